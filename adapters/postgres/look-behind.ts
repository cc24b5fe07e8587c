import type { QueryResult } from 'pg';
import { LOWEST_ORDER_ID, type Watermark } from '../../model/watermark';
import type { Baseline, Missed } from '../../model/missed';
import { after, createdAtUtc, upTo, utcText, type TableShape } from './sql';

/**
 * A look costs 4 to 13 ms in a table of 2,000,000 rows, 0.25 s where a million of them were captured since the last one, 0.7 s
 * where they were never analyzed. One that takes longer is not worth holding up the capture of rows.
 */
const PATIENCE_MS = 2_000;

interface Row {
  highest: string;
  clock: string;
  missed: { early: number; timeless: number; passed: number; earliest: string | null; examples: string[] }[];
}

/** See OrdersSource.lookBehind. One statement, so one snapshot. */
export async function lookBehind(
  query: (text: string) => Promise<unknown>,
  shape: TableShape,
  options: { baselines: readonly Baseline[]; upTo: Watermark },
): Promise<{ highestOrderId: string; clock: string; missed: Missed[] }> {
  // Two statements in one message are one transaction, in which the limit holds.
  const results = (await query(
    `SET LOCAL statement_timeout = ${PATIENCE_MS}; ${lookBehindSql(shape, options)}`,
  )) as QueryResult<Row>[];
  const { highest, clock, missed } = results[1]!.rows[0]!;
  return {
    highestOrderId: highest,
    clock,
    missed: missed.map(({ early, timeless, passed, earliest, examples }, index) => {
      const { published, watermark } = options.baselines[index]!;
      const late = Math.max(0, passed - published);
      return {
        backdated: early + late,
        withoutCreatedAt: timeless,
        examples,
        from: earliest ?? (late > 0 ? watermark.createdAt : null),
      };
    }),
  };
}

function lookBehindSql(
  shape: TableShape,
  options: { baselines: readonly Baseline[]; upTo: Watermark },
): string {
  const missed = options.baselines.map((baseline) => `(${missedSql(shape, baseline, options.upTo)})`);
  return `
  SELECT (SELECT coalesce(max(order_id), ${LOWEST_ORDER_ID})::text FROM ${shape.name}) AS highest,
         array[${missed.join(', ')}]::json[] AS missed,
         ${utcText("clock_timestamp() AT TIME ZONE 'UTC'")} AS clock`;
}

/** By the primary key: new rows at old places, or without one. By (created_at, order_id): how many rows were passed since. */
function missedSql(shape: TableShape, baseline: Baseline, now: Watermark): string {
  return `
  WITH fresh AS MATERIALIZED (
    SELECT t.order_id, t.created_at FROM ${shape.name} t
     WHERE t.order_id > ${BigInt(baseline.orderId)}
       AND (t.created_at IS NULL OR (${upTo(shape, baseline.watermark)}))
  )
  SELECT json_build_object(
           'early', count(t.created_at),
           'timeless', count(*) - count(t.created_at),
           'earliest', ${utcText(`min(${createdAtUtc(shape)})`)},
           'examples', array(SELECT order_id::text FROM fresh WHERE created_at IS NOT NULL ORDER BY fresh.order_id LIMIT 5),
           'passed', (SELECT count(*) FROM ${shape.name} t WHERE ${after(shape, baseline.watermark)} AND ${upTo(shape, now)}))
    FROM fresh t`;
}
