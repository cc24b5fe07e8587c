/** Compares source, topic and lake by sums over days; where they differ, down to the orders. Reads only. */
import { withScratchDuckDB } from '../../adapters/lake/reading';
import type { LakeStorage, OrdersSource, OrdersTopic, SourceRows } from '../../ports';
import { ORDERS } from '../../domain/table/orders';
import { formatTimestamp } from '../../domain/watermark';
import { findBounds, type Bounds } from './bounds';
import { explainExamples } from './examples';
import { LakeSide } from './lake-side';
import { collect, cut, daysFound, narrowDay, prepareNarrowing, type Sources } from './narrow';
import { NOTHING, plus, same, total, type Period, type Sums, type SumsBy } from '../../domain/row-sums';
import { decimalText } from './row-text';
import { TopicSide } from './topic-side';
import {
  NotComparable,
  type DateComparison,
  type Side,
  type VerifyOptions,
  type VerifyResult,
} from '../../domain/verification';
import { unreachableRows } from './unreachable';

export * from '../../domain/verification';

/** What is compared. */
export interface Compared {
  source: OrdersSource;
  sourceRows: SourceRows;
  topic: OrdersTopic;
  lake: LakeStorage;
}

/** Differing orders that are told; one knows by then where to look. */
const EXAMPLES = 20;
/** Days that are narrowed down to their orders. */
const DAYS = 31;

/**
 * Compares the orders of a period: source = topic = lake + quarantine, each once, with the same values.
 *
 * May run beside capture and landing, and be run again at any time. Rows stay where they are: PostgreSQL adds up the
 * source, DuckDB the files, and the topic's messages go through a temporary DuckDB on disk.
 *
 * @throws NotComparable, NonRetryableError, or a transient error, where it cannot be said whether anything differs
 */
export async function verifyPipeline(
  { sourceRows, ...compared }: Compared,
  options: VerifyOptions = {},
): Promise<VerifyResult> {
  const begun = performance.now();
  const signal = options.signal ?? new AbortController().signal;
  const say = options.onProgress ?? (() => undefined);
  say('looking at how far source, topic and lake have come');
  const source = await sourceRows.open({ signal });
  const bounds = await findBounds({ ...compared, lake: compared.lake.lake }, { ...options, signal });
  return withScratchDuckDB(async (duckdb, directory) => {
    const lake = new LakeSide(compared.lake, bounds.lastSequence, duckdb);
    const topic = new TopicSide(compared.topic, duckdb, signal);
    const sources: Sources = { source, lake, topic, duckdb, directory };
    const result = await compare(sources, bounds, options.dates ?? 'all', say);
    return { ...result, seconds: Math.round((performance.now() - begun) / 100) / 10 };
  });
}

async function compare(
  sources: Sources,
  bounds: Bounds,
  dates: 'all' | 'different',
  say: (doing: string) => void,
): Promise<Omit<VerifyResult, 'seconds'>> {
  const { source, lake, topic, duckdb } = sources;
  const { notes } = bounds;
  await topic.load(bounds.ranges, bounds, (read) => say(`reading the topic: ${read} messages`));
  const period = { from: bounds.from, to: await landedUpTo(topic, bounds) };
  if (period.to <= period.from) {
    throw new NotComparable(
      `nothing can be compared yet: ${[`landed up to ${period.to}`, ...notes].join('; ')}`,
    );
  }
  const topicFrom = topicFromDay(topic, bounds, period);

  say('looking for rows that capture does not reach');
  const unreachable = await unreachableRows(source, period, bounds);
  say('adding up the source');
  const wanted = await source.sums(period, 'day');
  say('adding up lake and quarantine');
  const landed = await lake.sums('lake', period, 'day');
  const failed = await lake.sums('quarantine', period, 'day');
  say('adding up the topic');
  const topicPeriod =
    topicFrom === null ? period : { ...period, from: later(period.from, `${topicFrom}T00:00:00.000000Z`) };
  const published =
    topicPeriod.from < period.to ? await topic.sums(topicPeriod, 'day') : new Map<string, Sums>();

  const days = [...new Set([wanted, landed, failed, published].flatMap((sums) => [...sums.keys()]))].sort();
  const comparisons: DateComparison[] = [];
  const differing: { day: string; lakeDiffers: boolean }[] = [];
  for (const day of days) {
    const of = (sums: SumsBy) => sums.get(day) ?? NOTHING;
    const withTopic = topicFrom === null || day >= topicFrom;
    const lakeDiffers = !same(of(wanted), plus(of(landed), of(failed)));
    const topicDiffers = withTopic && !same(of(wanted), of(published));
    if (lakeDiffers || topicDiffers) differing.push({ day, lakeDiffers });
    comparisons.push({
      date: day,
      source: sideOf(of(wanted)),
      topic: withTopic ? sideOf(of(published)) : null,
      lake: sideOf(of(landed)),
      quarantine: sideOf(of(failed)),
      verdict: lakeDiffers || topicDiffers ? 'different' : 'equal',
    });
  }

  await prepareNarrowing(duckdb);
  for (const { day } of differing.slice(0, DAYS)) {
    say(`narrowing down ${day}`);
    await narrowDay(sources, cut(wholeDay(day), period), topicFrom === null || day >= topicFrom);
  }
  const explained = await daysFound(duckdb);
  let verifiedThrough = period.to;
  for (const [index, { day, lakeDiffers }] of differing.entries()) {
    if (explained.has(day)) continue;
    const comparison = comparisons.find(({ date }) => date === day)!;
    if (index < DAYS && !lakeDiffers) {
      // Messages with older values stand beside those with the source's: published again after an update.
      comparison.verdict = 'equal';
      continue;
    }
    verifiedThrough = earlier(verifiedThrough, later(`${day}T00:00:00.000000Z`, period.from));
    notes.push(
      index < DAYS
        ? `${day} differed, but its orders were equal a moment later: the source was changed meanwhile; compare again`
        : `${day} differs and was not narrowed down: ${DAYS} days before it were; compare it alone with --from and --to`,
    );
  }
  const { counts, first } = await collect(duckdb, EXAMPLES);
  const examples = await explainExamples(sources, bounds, first);
  if (examples[0] !== undefined) verifiedThrough = earlier(verifiedThrough, examples[0].createdAt);

  const { failedBatches } = bounds;
  if (failedBatches.length > 0)
    notes.push(`failed batches, whose orders are not in the lake: ${failedBatches.join(', ')}`);
  const beginning = counts.some(({ place, kind }) => place === 'topic' && kind === 'missing');
  if (beginning && period.from.startsWith('0001')) {
    notes.push(
      'if the capture was told to begin at a later moment (--start-from), give the same moment as --from',
    );
  }
  const whole = period.from.startsWith('0001');
  return {
    equal: unreachable.length === 0 && comparisons.every(({ verdict }) => verdict === 'equal'),
    from: whole ? null : period.from,
    to: period.to,
    verifiedThrough,
    topicFrom,
    dates: dates === 'all' ? comparisons : comparisons.filter(({ verdict }) => verdict === 'different'),
    totals: {
      source: sideOf(total(wanted)),
      topic: topicPeriod.from < period.to ? sideOf(total(published)) : null,
      lake: sideOf(total(landed)),
      quarantine: sideOf(total(failed)),
    },
    unreachable,
    differences: counts,
    examples,
    publishedAgain: await topic.publishedAgain(topicPeriod),
    withoutTime: {
      source: await source.countTimeless(),
      topic: topic.timeless,
      quarantine: await lake.countTimeless(),
    },
    notes,
  };
}

function sideOf({ rows, total: sum }: Sums): Side {
  return { rows, amount: decimalText(sum, ORDERS.total.scale) };
}

/** Where nobody asked for an end, it is before the oldest order that is in the topic and has not landed. */
async function landedUpTo(topic: TopicSide, { to, toIsGiven, next, notes }: Bounds): Promise<string> {
  if (toIsGiven) return to;
  const oldest = await topic.oldestBeyond(next);
  if (oldest === undefined) return to;
  const from = formatTimestamp(oldest);
  notes.push(`there are messages that have not landed yet, from ${from} on`);
  return earlier(to, from);
}

/**
 * The first day for which the topic holds every message; null where it holds all of the period. After the first message
 * kept, a partition goes on in the order of created_at, so what is newer than the newest of those first ones is whole.
 */
function topicFromDay(topic: TopicSide, { truncated, notes }: Bounds, period: Period): string | null {
  if (truncated.length === 0) return null;
  let newest: bigint | undefined;
  for (const partition of truncated) {
    const first = topic.firstMicros.get(partition);
    // Without any message left, all of the period may have been there.
    if (first === undefined) newest = undefined;
    if (first === undefined) break;
    if (newest === undefined || first > newest) newest = first;
  }
  const after = newest === undefined ? period.to : formatTimestamp(newest);
  if (newest !== undefined && after < period.from) return null;
  const day = nextDay(after);
  notes.push(
    `Kafka has dropped the older messages of partition ${truncated.join(', ')}: the topic is compared from ${day} on`,
  );
  return day;
}

function wholeDay(day: string): Period {
  return { from: `${day}T00:00:00.000000Z`, to: `${nextDay(day)}T00:00:00.000000Z` };
}

function nextDay(moment: string): string {
  const day = new Date(`${moment.slice(0, 10)}T00:00:00Z`);
  day.setUTCDate(day.getUTCDate() + 1);
  return day.toISOString().slice(0, 10);
}

const earlier = (a: string, b: string) => (a < b ? a : b);
const later = (a: string, b: string) => (a > b ? a : b);
