import type { Offsets } from '../../../domain/ranges';
import { type Connection, checkCode } from '../transport';
import { fetch } from './fetch-request';
import { requireEnd } from './log-end';

const OFFSET_OUT_OF_RANGE = 1;

/**
 * Waits on the brokers' side, one read_committed Fetch a leader, until a committed offset at or after `next`
 * exists or the time is over. Rows of an open transaction do not wake it. Resolves with whether requests are
 * still under way: then the connection is of no use for others.
 */
export async function waitForMessages(
  connection: Connection,
  next: Offsets,
  { maxWaitMs, signal }: { maxWaitMs: number; signal: AbortSignal },
): Promise<{ busy: boolean }> {
  const partitions = Object.keys(next).map(Number);
  const polls = [...connection.leaders(partitions)].map(async ([nodeId, mine]) => {
    const offsets = mine.map((partition) => ({ partition, offset: BigInt(next[partition] ?? '0') }));
    const broker = await connection.broker(nodeId);
    // One byte: the broker sends one batch, which is not looked at.
    return fetch(broker, { topic: connection.topic, offsets, maxBytes: 1, maxWaitMs, waits: true });
  });
  let left = polls.length;
  const woken = await new Promise<boolean>((resolve, reject) => {
    for (const poll of polls) {
      poll
        .then(async (fetched) => {
          for (const { code, partition } of fetched) {
            // Below the log's start there is something to claim, and reading it says what is lost.
            if (code === OFFSET_OUT_OF_RANGE)
              await requireEnd(connection, partition, BigInt(next[partition] ?? '0'), signal);
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
