import { NO_ID_BUCKET } from '../../domain/partition-marks';
import { ORDERS } from '../../domain/table/orders';
import { keyOf, microsOf, type Row } from '../../domain/table/table';
import { formatTimestamp, parseTimestamp, type Watermark } from '../../domain/watermark';
import type { Verdict } from '../../messages';
import type { AcceptedRow, IncomingMessage, QuarantinedRow } from '../../ports';

/** A message and what became of it. */
export interface Judged {
  message: IncomingMessage;
  verdict: Verdict;
}

/** Highest position (time and key) that was ever landed or quarantined, by bucket: see {@link bucketOf}. */
export type HighWater = Record<string, Watermark>;

export interface DuplicateCheck {
  highWater: HighWater;
  /** Was this very message landed before? */
  isReread: (message: IncomingMessage) => boolean;
  /** The partition to which the pipeline's own producer sends a key, with as many partitions as the high water is by. */
  partitionOf: (key: string) => number;
  /** Indexes of the orders that earlier batches landed. */
  findLanded: (orders: readonly Row[]) => Promise<Set<number>>;
  /** Indexes of the rows that earlier batches quarantined. */
  findQuarantined: (rows: readonly QuarantinedRow[]) => Promise<Set<number>>;
}

export interface Deduplicated {
  accepted: AcceptedRow[];
  quarantined: QuarantinedRow[];
  duplicates: number;
  highWater: HighWater;
}

/**
 * Separates what is new from what was landed before.
 *
 * Within a bucket the pipeline's own messages only rise, so one above the bucket's highest position cannot be a
 * repeat, and costs a comparison. Any other (after a watermark reset, a replay, from another producer) is
 * looked up among the files of its date and among this batch. The result depends on the order of `judged` and on
 * files of earlier batches only.
 */
export async function findDuplicates(
  judged: readonly Judged[],
  check: DuplicateCheck,
): Promise<Deduplicated> {
  const reached = new Map(
    Object.entries(check.highWater).map(([bucket, mark]) => [bucket, toPosition(mark)]),
  );
  const verdicts: ('new' | 'suspect' | 'repeat')[] = judged.map(({ message, verdict }) => {
    const order = verdict.accepted ?? verdict.order;
    const again = check.isReread(message);
    const [key, micros] = [keyOf(ORDERS, order), microsOf(ORDERS, order)];
    // Without a time it has no position; the pipeline itself never publishes such a row twice.
    if (micros === null) return again ? 'suspect' : 'new';
    const bucket = bucketOf(key, check.partitionOf);
    const position = { micros, key: key ?? 0n };
    const highest = reached.get(bucket);
    const above = highest === undefined || isAfter(position, highest);
    // Also for one that is read again: its batch may have been parked, and then it lands now for the first time.
    if (above) reached.set(bucket, position);
    return again || !above ? 'suspect' : 'new';
  });

  await settleSuspects(judged, verdicts, check);

  const result: Deduplicated = { accepted: [], quarantined: [], duplicates: 0, highWater: {} };
  judged.forEach(({ message, verdict }, index) => {
    if (verdicts[index] === 'repeat') result.duplicates += 1;
    else if (verdict.accepted) result.accepted.push({ order: verdict.accepted });
    else result.quarantined.push({ message, failures: verdict.failures, order: verdict.order });
  });
  for (const [bucket, position] of reached) result.highWater[bucket] = toWatermark(position);
  return result;
}

/** Turns each 'suspect' into 'repeat', if an earlier batch or an earlier message of this one has the row, else into 'new'. */
async function settleSuspects(
  judged: readonly Judged[],
  verdicts: ('new' | 'suspect' | 'repeat')[],
  check: DuplicateCheck,
): Promise<void> {
  const suspects = verdicts.flatMap((verdict, index) => (verdict === 'suspect' ? [index] : []));
  if (suspects.length === 0) return;

  const accepted = suspects.filter((index) => judged[index]!.verdict.accepted !== undefined);
  const failed = suspects.filter((index) => judged[index]!.verdict.accepted === undefined);
  const [landed, quarantined] = await Promise.all([
    accepted.length === 0
      ? none
      : check.findLanded(accepted.map((index) => judged[index]!.verdict.accepted!)),
    failed.length === 0 ? none : check.findQuarantined(failed.map((index) => asQuarantined(judged[index]!))),
  ]);
  for (const position of landed) verdicts[accepted[position]!] = 'repeat';
  for (const position of quarantined) verdicts[failed[position]!] = 'repeat';

  const seen = new Set<string>();
  judged.forEach((item, index) => {
    if (verdicts[index] === 'repeat') return;
    const identity = identityOf(item);
    if (verdicts[index] === 'suspect') verdicts[index] = seen.has(identity) ? 'repeat' : 'new';
    seen.add(identity);
  });
}

const none: Promise<Set<number>> = Promise.resolve(new Set<number>());

function asQuarantined({ message, verdict }: Judged): QuarantinedRow {
  if (verdict.accepted !== undefined) throw new Error('an accepted row has no failures');
  return { message, failures: verdict.failures, order: verdict.order };
}

/**
 * As when it is looked up in files: an order is its id within its date, a row without an id is the bytes of its message, and
 * one without a time, which nothing of ours publishes twice, is its place in the topic.
 */
function identityOf({ message, verdict }: Judged): string {
  const order = verdict.accepted ?? verdict.order;
  const [key, micros] = [keyOf(ORDERS, order), microsOf(ORDERS, order)];
  const side = verdict.accepted === undefined ? 'failed' : 'landed';
  if (micros === null) return `${side} at ${message.partition}, ${message.offset}`;
  return key === null ? `${side} ${message.value?.toString('latin1')}` : `${side} ${key} ${dayOf(micros)}`;
}

function dayOf(micros: bigint): string {
  return formatTimestamp(micros).slice(0, 10);
}

/**
 * Orders are put into buckets by the partition their id belongs to, not by the one they came from: so a copy that
 * another producer put elsewhere still meets the original. Rows without an id have a bucket of their own.
 */
function bucketOf(key: bigint | null, partitionOf: (key: string) => number): string {
  return key === null ? NO_ID_BUCKET : String(partitionOf(key.toString()));
}

interface Position {
  micros: bigint;
  key: bigint;
}

function isAfter(a: Position, b: Position): boolean {
  return a.micros === b.micros ? a.key > b.key : a.micros > b.micros;
}

function toPosition({ createdAt, orderId }: Watermark): Position {
  return { micros: parseTimestamp(createdAt)!, key: BigInt(orderId) };
}

function toWatermark({ micros, key }: Position): Watermark {
  return { createdAt: formatTimestamp(micros), orderId: key.toString() };
}
