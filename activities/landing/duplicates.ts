import { NO_ID_BUCKET } from '../../domain/partition-marks';
import { ORDERS } from '../../domain/table/orders';
import { keyOf, microsOf, type Row } from '../../domain/table/table';
import { formatTimestamp, parseTimestamp, type Watermark } from '../../domain/watermark';
import type { ValidationResult } from '../../messages';
import type { AcceptedRow, IncomingMessage, QuarantinedRow } from '../../ports';

/** A message and what became of it. */
export interface Validated {
  message: IncomingMessage;
  validation: ValidationResult;
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
 * looked up among the files of its date and among this batch. The result depends on the order of `validated` and on
 * files of earlier batches only.
 */
export async function findDuplicates(
  validated: readonly Validated[],
  check: DuplicateCheck,
): Promise<Deduplicated> {
  const reached = new Map(
    Object.entries(check.highWater).map(([bucket, mark]) => [bucket, toPosition(mark)]),
  );
  const marks: ('new' | 'suspect' | 'repeat')[] = validated.map(({ message, validation }) => {
    const order = validation.accepted ?? validation.order;
    const again = check.isReread(message);
    const [key, micros] = [keyOf(ORDERS, order), microsOf(ORDERS, order)];
    // Without a time it has no position; the pipeline itself never publishes such a row twice.
    if (micros === null) return again ? 'suspect' : 'new';
    const bucket = bucketOf(key, check.partitionOf);
    const position = { micros, key: key ?? 0n };
    const highest = reached.get(bucket);
    const above = highest === undefined || isAfter(position, highest);
    // Also for one that is read again: its batch may have failed, and then it lands now for the first time.
    if (above) reached.set(bucket, position);
    return again || !above ? 'suspect' : 'new';
  });

  await settleSuspects(validated, marks, check);

  const result: Deduplicated = { accepted: [], quarantined: [], duplicates: 0, highWater: {} };
  validated.forEach(({ message, validation }, index) => {
    if (marks[index] === 'repeat') result.duplicates += 1;
    else if (validation.accepted) result.accepted.push({ order: validation.accepted });
    else result.quarantined.push({ message, failures: validation.failures, order: validation.order });
  });
  for (const [bucket, position] of reached) result.highWater[bucket] = toWatermark(position);
  return result;
}

/** Turns each 'suspect' into 'repeat', if an earlier batch or an earlier message of this one has the row, else into 'new'. */
async function settleSuspects(
  validated: readonly Validated[],
  marks: ('new' | 'suspect' | 'repeat')[],
  check: DuplicateCheck,
): Promise<void> {
  const suspects = marks.flatMap((mark, index) => (mark === 'suspect' ? [index] : []));
  if (suspects.length === 0) return;

  const accepted = suspects.filter((index) => validated[index]!.validation.accepted !== undefined);
  const failed = suspects.filter((index) => validated[index]!.validation.accepted === undefined);
  const [landed, quarantined] = await Promise.all([
    accepted.length === 0
      ? none
      : check.findLanded(accepted.map((index) => validated[index]!.validation.accepted!)),
    failed.length === 0
      ? none
      : check.findQuarantined(failed.map((index) => asQuarantined(validated[index]!))),
  ]);
  for (const position of landed) marks[accepted[position]!] = 'repeat';
  for (const position of quarantined) marks[failed[position]!] = 'repeat';

  const seen = new Set<string>();
  validated.forEach((item, index) => {
    if (marks[index] === 'repeat') return;
    const identity = identityOf(item);
    if (marks[index] === 'suspect') marks[index] = seen.has(identity) ? 'repeat' : 'new';
    seen.add(identity);
  });
}

const none: Promise<Set<number>> = Promise.resolve(new Set<number>());

function asQuarantined({ message, validation }: Validated): QuarantinedRow {
  if (validation.accepted !== undefined) throw new Error('an accepted row has no failures');
  return { message, failures: validation.failures, order: validation.order };
}

/**
 * As when it is looked up in files: an order is its id within its date, a row without an id is the bytes of its message, and
 * one without a time, which nothing of ours publishes twice, is its place in the topic.
 */
function identityOf({ message, validation }: Validated): string {
  const order = validation.accepted ?? validation.order;
  const [key, micros] = [keyOf(ORDERS, order), microsOf(ORDERS, order)];
  const side = validation.accepted === undefined ? 'failed' : 'landed';
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
