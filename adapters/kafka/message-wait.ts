import type { Offsets } from '../../model/ranges';
import type { Connection } from './connection';
import { checkCode } from './errors';
import { fetch } from './fetch-request';
import { logBounds, missingAbove } from './log-bounds';

const OFFSET_OUT_OF_RANGE = 1;

/**
 * Waits on the brokers' side, one read_committed Fetch a leader, until a committed offset at or after `next`
 * exists or the time is over. Rows of an open transaction do not wake it. Resolves with whether requests are
 * still under way: then the connection is of no use for others.
 */
export async function waitForMessages(
  connection: Connection,
  next: Offsets,
  maxWaitMs: number,
): Promise<{ busy: boolean }> {
  const partitions = Object.keys(next).map(Number);
  const polls = [...connection.leaders(partitions)].map(async ([nodeId, mine]) => {
    const offsets = mine.map((partition) => ({ partition, offset: BigInt(next[partition] ?? '0') }));
    const broker = await connection.broker(nodeId);
    // One byte: the broker sends one batch, which is not looked at.
    return fetch(broker, { topic: connection.topic, offsets, maxBytes: 1, maxWaitMs });
  });
  let left = polls.length;
  const woken = await new Promise<boolean>((resolve, reject) => {
    for (const poll of polls) {
      poll
        .then(async (fetched) => {
          for (const { code, partition } of fetched) {
            if (code === OFFSET_OUT_OF_RANGE) await checkOffset(connection, partition, next);
            else checkCode(code);
          }
          left -= 1;
          if (fetched.some(({ code, records }) => code !== 0 || records.length > 0)) resolve(true);
          else if (left === 0) resolve(false);
        })
        .catch(reject);
    }
  });
  return { busy: woken && left > 0 };
}

/** Offsets below the log's start may be claimed, and reading them says what is lost; above its end nothing ever comes. */
async function checkOffset(connection: Connection, partition: number, next: Offsets): Promise<void> {
  const bounds = (await logBounds(connection, [partition], 'uncommitted')).get(partition);
  const offset = BigInt(next[partition] ?? '0');
  if (bounds !== undefined && offset > bounds.latest) {
    throw missingAbove(connection.topic, partition, offset, bounds.latest);
  }
}
