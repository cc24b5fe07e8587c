/** How far source, topic and lake can be compared: what may still be on its way is no difference. */
import type { OrdersSource, OrdersTopic, Storage } from '../../ports';
import { LakeLog, lastEntry } from '../../adapters/lake/reading';
import { describeOpenTransaction } from '../../domain/open-transaction';
import type { OffsetRange, Offsets } from '../../domain/ranges';
import type { Gap } from '../../domain/gaps';
import { isOtherTopic } from '../../domain/topic-id';
import { describeWatermark, formatTimestamp, parseTimestamp } from '../../domain/watermark';
import { NotComparable, type VerifyOptions } from '../../domain/verification';

/** created_at has no earlier day in any of the three. */
const BEGINNING = '0001-01-01T00:00:00.000000Z';
/** Clocks of servers differ by less; a message is never older than its row by more. */
const CLOCKS_MS = 3_600_000;

export interface Bounds {
  from: string;
  /** Exclusive. */
  to: string;
  /** Whether the caller asked for `from`; else it is the beginning. */
  fromIsGiven: boolean;
  /** Whether the caller asked for `to`; else what has not landed yet may bring it forward. */
  toIsGiven: boolean;
  ranges: OffsetRange[];
  /** Partitions whose oldest messages Kafka has dropped, or took along with a topic before, although they may belong to the period. */
  truncated: number[];
  /** Offsets to land next. */
  next: Offsets;
  /** Number of the first batch that has offsets of this topic. */
  topicSince: number;
  lastSequence: number;
  /** Batches whose offsets are not in the lake, in order. */
  failedBatches: number[];
  /** The source's, UTC. */
  clock: string;
  /** Places that capture passed over, as its record knows them. */
  gaps: readonly Gap[];
  notes: string[];
}

/**
 * Taken in the order in which rows flow, so that what one place shows must be in the next: first what is final in the
 * source, then what was published of it, then what is readable in the topic, then what has landed.
 */
export async function findBounds(
  deps: { source: OrdersSource; topic: OrdersTopic; lake: Storage },
  options: VerifyOptions & { signal: AbortSignal },
): Promise<Bounds> {
  const notes: string[] = [];
  const from = timestamp(options.from, '--from') ?? BEGINNING;
  const given = timestamp(options.to, '--to');
  const { before, clock, heldBy } = await deps.source.horizon();
  if (before === undefined) {
    throw new NotComparable(
      `no row of the source is final: ${heldBy?.kind} since ${heldBy?.since}: ${heldBy?.who}. End it, then compare again.`,
    );
  }
  if (given !== undefined && given > before) {
    notes.push(`--to ${given} was brought forward to ${before}: the source may still change after it`);
  }
  const progress = await deps.topic.progress();
  const uncaptured =
    progress && (await deps.source.nextWindow({ after: progress.upper, before, limit: 1 }))?.upper.createdAt;
  if (progress === undefined) notes.push('Kafka holds no record of the capture’s progress');
  const since = from === BEGINNING ? undefined : Number(parseTimestamp(from)! / 1000n) - CLOCKS_MS;
  const { earliest, stable, heldBack, held, ...found } = await deps.topic.stableOffsets({
    signal: options.signal,
    sinceMillis: since,
  });
  if (held.length > 0) {
    throw new NotComparable(
      `the end of partition ${held.join(', ')} of topic ${deps.topic.name} cannot be read. ` +
        [...heldBack.map(describeOpenTransaction), 'Then compare again.'].join(' '),
    );
  }
  const last = await lastEntry(deps.lake);
  const { failed } = await new LakeLog(deps.lake).whole();
  if (last === undefined) {
    throw new NotComparable(
      `${deps.lake.location} holds no ledger entry: nothing has landed there. Is LAKE_PATH right?`,
    );
  }
  const upper = given ?? uncaptured ?? before;
  if (progress !== undefined && uncaptured !== undefined) {
    notes.push(
      `captured up to ${describeWatermark(progress.upper)} so far; there are later rows from ${uncaptured} on`,
    );
  }
  const anew = isOtherTopic(last.topicId, await deps.topic.id());
  if (anew) notes.push('the topic was deleted and recreated: nothing of what it holds now has landed yet');
  const topicSince = anew ? last.sequence + 1 : (last.topicSince ?? 1);
  const starts = Object.fromEntries(
    Object.entries(earliest).map(([p, offset]) => [p, larger(offset, found.since?.[p] ?? offset)]),
  );
  return {
    from,
    to: upper < before ? upper : before,
    fromIsGiven: options.from !== undefined,
    toIsGiven: given !== undefined,
    ranges: Object.entries(stable)
      .map(([p, to]) => ({ partition: Number(p), from: starts[p] ?? to, to }))
      .filter((range) => range.from !== range.to),
    // Where the period's first message lies behind the earliest one, nothing of the period was dropped.
    truncated: Object.keys(earliest)
      .filter((p) => (BigInt(earliest[p]!) > 0n || topicSince > 1) && starts[p] === earliest[p])
      .map(Number),
    // Of a partition that was added since the last batch nothing has landed.
    next: anew ? earliest : { ...earliest, ...last.next },
    topicSince,
    lastSequence: last.sequence,
    failedBatches: [...failed].sort((a, b) => a - b),
    clock,
    gaps: progress?.late?.gaps ?? [],
    notes,
  };
}

function larger(a: string, b: string): string {
  return BigInt(a) > BigInt(b) ? a : b;
}

function timestamp(text: string | undefined, option: string): string | undefined {
  if (text === undefined) return undefined;
  // A day is a moment, too.
  const micros = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (micros === undefined) {
    throw new NotComparable(
      `${option} ${JSON.stringify(text)} is not a timestamp such as 2025-11-18T00:00:00Z`,
    );
  }
  return formatTimestamp(micros);
}
