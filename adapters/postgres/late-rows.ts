import type { QueryResult } from 'pg';
import type { LookOptions, Seen } from '../../ports';
import type { Gap } from '../../domain/gaps';
import type { Baseline } from '../../domain/missed';
import {
  compareWatermarks,
  formatTimestamp,
  LOWEST_ORDER_ID,
  parseTimestamp,
  type Watermark,
} from '../../domain/watermark';
import { attachedSql, withOldRows, type Attached } from './attached';
import {
  after,
  keyOf,
  positionLiteral,
  positionOf,
  positionUtc,
  lookSql,
  upTo,
  utcText,
  type TableShape,
} from './sql';
import { readUnreachable, unreachableSql, within, type RegionRow } from './unreachable';

/**
 * A look costs 4 to 13 ms in a table of 2,000,000 rows, 0.25 s where a million of them were captured since the last one, 0.7 s
 * where they were never analyzed. One that takes longer is not worth holding up the capture of rows.
 */
const TIMEOUT_MS = 2_000;

/** Rows without a key, of which nothing tells the new ones but their number. */
interface Nameless {
  rows: number;
  earliest: string | null;
}

interface Row {
  look: string;
  highest: string;
  nameless: number;
  clock: string;
  missed: {
    early: number;
    nameless: Nameless;
    passed: number;
    falling: string | null;
    earliest: string | null;
    examples: string[];
  }[];
  unreachable: RegionRow[];
  transaction: string;
  attached: Attached[];
}

/** See OrdersSource.detectLateRows. One statement, so one snapshot; and one more where partitions were attached. */
export async function detectLateRows(
  query: (text: string) => Promise<unknown>,
  shape: TableShape,
  options: LookOptions,
): Promise<Seen & { look: string }> {
  // Two statements in one message are one transaction, in which the limit holds.
  const bounded = async <R extends object>(sql: string): Promise<R[]> => {
    const results = (await query(`SET LOCAL statement_timeout = ${TIMEOUT_MS}; ${sql}`)) as QueryResult<R>[];
    return results[1]!.rows;
  };
  const [row] = await bounded<Row>(lateRowsSql(shape, options));
  const { look, highest, nameless, clock, missed, unreachable, transaction, attached } = row!;
  return {
    look,
    highestOrderId: highest,
    nameless,
    clock,
    missed: missed.map(({ early, passed, earliest, examples, nameless: without }, index) => {
      const { published, watermark, nameless: known = without.rows } = options.baselines[index]!;
      const late = Math.max(0, passed - published);
      const unnamed = Math.max(0, without.rows - known);
      const froms = [
        ...(earliest === null ? [] : [earliest]),
        ...(late > 0 ? [watermark.createdAt] : []),
        ...(unnamed > 0 && without.earliest !== null ? [without.earliest] : []),
      ];
      return { backdated: early + late + unnamed, examples, from: froms.sort()[0] ?? null };
    }),
    unreachable: readUnreachable(shape, options, unreachable),
    fallingId: missed[0]?.falling ?? undefined,
    transaction,
    attached: await withOldRows(bounded, shape, attached, options.baselines.at(-1)),
  };
}

function lateRowsSql(shape: TableShape, options: LookOptions): string {
  const missed = options.baselines.map((baseline) => `(${missedSql(shape, baseline, options)})`);
  return `
  SELECT ${lookSql(shape)} AS look, (SELECT coalesce(max(${keyOf(shape)}), ${LOWEST_ORDER_ID})::text FROM ${shape.name} t) AS highest,
         (${namelessSql(shape, 'count(*)::int', options.upTo, options.gaps)}) AS nameless,
         array[${missed.join(', ')}]::json[] AS missed,
         ${unreachableSql(shape, options)} AS unreachable,
         txid_snapshot_xmin(txid_current_snapshot())::text AS transaction, ${attachedSql(shape, options.since)} AS attached,
         ${utcText("clock_timestamp() AT TIME ZONE 'UTC'")} AS clock`;
}

/**
 * By the primary key: new rows at old places. By (position, key): how many rows were passed since, and whether one of them,
 * although its transaction began well after the baseline was taken, has an id from before it.
 */
function missedSql(shape: TableShape, baseline: Baseline, { upTo: now, gaps, idAgeMs }: LookOptions): string {
  const { watermark, countedFrom = watermark, takenAt } = baseline;
  const least = BigInt(baseline.orderId);
  const [key, position] = [keyOf(shape), positionOf(shape)];
  const json = `json_build_object('rows', count(*), 'earliest', ${utcText(`min(${positionUtc(shape)})`)})`;
  const begun = formatTimestamp(parseTimestamp(takenAt)! + BigInt(idAgeMs) * 1000n);
  return `
  WITH fresh AS MATERIALIZED (
    SELECT ${key}, ${position} FROM ${shape.name} t
     WHERE ${key} > ${least} AND ${upTo(shape, watermark)}${outside(shape, gaps, { upTo: watermark })}
  ), passed AS (
    SELECT count(*) AS rows,
           min(${key}) FILTER (WHERE ${key} <= ${least} AND ${position} > ${positionLiteral(shape, begun)}) AS falling
      FROM ${shape.name} t
     WHERE ${after(shape, countedFrom)} AND ${upTo(shape, now)}${outside(shape, gaps, { after: countedFrom })}
  )
  SELECT json_build_object(
           'early', count(*),
           'earliest', ${utcText(`min(${positionUtc(shape)})`)},
           'examples', array(SELECT ${key}::text FROM fresh t ORDER BY ${key} LIMIT 5),
           'nameless', (${namelessSql(shape, json, watermark, gaps)}),
           'passed', (SELECT rows FROM passed), 'falling', (SELECT falling::text FROM passed))
    FROM fresh t`;
}

/** Rows without a key at or before a place; none where the column does not allow them. */
function namelessSql(shape: TableShape, what: string, watermark: Watermark, gaps: readonly Gap[]): string {
  const where = shape.keyNullable
    ? `${keyOf(shape)} IS NULL AND ${upTo(shape, watermark)}${outside(shape, gaps, { upTo: watermark })}`
    : 'false';
  return `SELECT ${what} FROM ${shape.name} t WHERE ${where}`;
}

/** Leaves out the gaps that lie in what is looked at. */
function outside(
  shape: TableShape,
  gaps: readonly Gap[],
  part: { after?: Watermark; upTo?: Watermark },
): string {
  return gaps
    .filter(
      (gap) =>
        (part.after === undefined || compareWatermarks(gap.upTo, part.after) > 0) &&
        (part.upTo === undefined || compareWatermarks(gap.after, part.upTo) < 0),
    )
    .map((gap) => ` AND NOT (${within(shape, gap)})`)
    .join('');
}
