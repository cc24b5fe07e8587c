import { landFrom, PUBLISH_AGAIN } from '../../../domain/data-loss';
import { NonRetryableError } from '../../../domain/errors';
import { pause, type Connection, isMoved } from '../transport';
import { logBounds, type Bounds } from '../topic';

/** A leader that was deposed and has not noticed yet knows of less; a log that is too short for longer has lost its end. */
const TIMEOUT_MS = 5_000;

/**
 * The bounds of a partition's log, if it reaches up to `end`, whatever of it is readable now. NonRetryableError DataLoss if it
 * has really lost its end: if, for some seconds and by fresh metadata, whoever leads says so.
 *
 * ListOffsets is to be believed, and not a fetch: a new leader's high watermark may be behind what its predecessor showed,
 * for as long as a follower in sync is slow. ListOffsets then answers with an error instead of the lower offset. That error
 * is transient, like a broker that cannot be reached: neither tells how long the log is.
 */
export async function requireEnd(
  connection: Connection,
  partition: number,
  end: bigint,
  signal: AbortSignal,
): Promise<Bounds> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (attempt > 1) await connection.refreshFromAny();
      const bounds = (await logBounds(connection, [partition], 'uncommitted')).get(partition)!;
      if (bounds.latest >= end) return bounds;
      if (Date.now() > deadline) throw missingAbove(connection.topic, partition, end - 1n, bounds.latest);
    } catch (error) {
      if (!isMoved(error) || Date.now() > deadline) throw error;
    }
    await pause(250, signal);
  }
}

/** The failure for offsets beyond the end of the log: it is not the log in which they were seen. */
function missingAbove(topic: string, partition: number, offset: bigint, end: bigint): NonRetryableError {
  return new NonRetryableError(
    'DataLoss',
    `topic ${topic}, partition ${partition}: offset ${offset} was seen, but the log now ends at ${end}: the topic ` +
      'was deleted and recreated, or a broker that lagged behind became leader (unclean election). Land what the ' +
      `topic holds now; repeats are dropped: ${landFrom('earliest')}. If orders are missing: ${PUBLISH_AGAIN}`,
  );
}
