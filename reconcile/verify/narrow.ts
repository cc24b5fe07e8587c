/** From a day that differs to the hours, and from those to the orders. Rows are compared in DuckDB, on disk. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { quote } from '../../adapters/lake/reading';
import { formatTimestamp, parseTimestamp } from '../../domain/watermark';
import type { OpenRows } from '../../ports';
import type { LakeSide } from './lake-side';
import { NOTHING, plus, same, type Period, type Sums, type SumsBy } from '../../domain/row-sums';
import type { TopicSide } from './topic-side';
import type { DifferenceKind, Place } from '../../domain/verification';

export interface Sources {
  source: OpenRows;
  lake: LakeSide;
  topic: TopicSide;
  duckdb: DuckDBConnection;
  directory: string;
}

/** One order that differs. */
export interface Difference {
  place: Place;
  kind: DifferenceKind;
  orderId: string | null;
  /** Microseconds; the source's where it has the order. */
  micros: bigint;
}

export async function prepareNarrowing(duckdb: DuckDBConnection): Promise<void> {
  await duckdb.run(`
    CREATE TABLE wanted (key BIGINT, micros BIGINT, hash UBIGINT);
    CREATE TABLE landed (key BIGINT, micros BIGINT, hash UBIGINT, file VARCHAR, part VARCHAR);
    CREATE TABLE found (place VARCHAR, kind VARCHAR, key BIGINT, micros BIGINT)`);
}

/** Adds the orders of a day that differ to the table `found`. `withTopic`: the topic is to be compared, too. */
export async function narrowDay(sources: Sources, period: Period, withTopic: boolean): Promise<void> {
  const { source, lake, topic } = sources;
  const wanted = await source.sums(period, 'hour');
  const landed = await lake.sums('lake', period, 'hour');
  const failed = await lake.sums('quarantine', period, 'hour');
  const published = withTopic ? await topic.sums(period, 'hour') : undefined;
  const hours = new Set(
    [wanted, landed, failed, published ?? new Map<string, Sums>()].flatMap((sums) => [...sums.keys()]),
  );
  for (const hour of [...hours].sort()) {
    const of = (sums: SumsBy) => sums.get(hour) ?? NOTHING;
    const equal = same(of(wanted), plus(of(landed), of(failed)));
    if (equal && (published === undefined || same(of(wanted), of(published)))) continue;
    await narrowHour(sources, cut(hourOf(hour), period), withTopic);
  }
}

/** `2025-11-18T10` as a period. */
function hourOf(hour: string): Period {
  const from = `${hour}:00:00.000000Z`;
  return { from, to: formatTimestamp(parseTimestamp(from)! + 3_600_000_000n) };
}

/** The part of a period that lies in another. */
export function cut(period: Period, within: Period): Period {
  return {
    from: period.from > within.from ? period.from : within.from,
    to: period.to < within.to ? period.to : within.to,
  };
}

/** Orders with an id. */
const LAKE_SQL = `
  INSERT INTO found
  SELECT 'lake', 'missing', key, min(micros) FROM wanted ANTI JOIN landed USING (key) WHERE key IS NOT NULL GROUP BY key
  UNION ALL SELECT 'lake', 'extra', key, min(micros) FROM landed ANTI JOIN wanted USING (key) WHERE key IS NOT NULL GROUP BY key
  UNION ALL SELECT 'lake', 'doubled', key, min(micros) FROM landed WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1
  UNION ALL SELECT 'lake', 'changed', key, min(w.micros) FROM wanted w JOIN landed l USING (key)
             GROUP BY key HAVING bool_or(l.hash <> w.hash)
  UNION ALL SELECT 'source', 'doubled', key, min(micros) FROM wanted WHERE key IS NOT NULL GROUP BY key HAVING count(*) > 1`;

/** Orders without one are told apart by all their values; equal ones are one. */
const NAMELESS_SQL = (place: 'lake' | 'topic', table: string) => `
  INSERT INTO found
  SELECT DISTINCT '${place}', 'missing', NULL::BIGINT, micros FROM (SELECT * FROM wanted WHERE key IS NULL)
    ANTI JOIN (SELECT hash FROM ${table} WHERE key IS NULL) USING (hash)
  UNION ALL SELECT DISTINCT '${place}', 'extra', NULL::BIGINT, micros FROM (SELECT * FROM ${table} WHERE key IS NULL)
    ANTI JOIN (SELECT hash FROM wanted WHERE key IS NULL) USING (hash)`;

const NAMELESS_DOUBLED_SQL = `
  INSERT INTO found SELECT 'lake', 'doubled', NULL::BIGINT, min(micros) FROM landed WHERE key IS NULL GROUP BY hash HAVING count(*) > 1`;

/** An order that was published several times is in order if one of the messages holds the source's values. */
const TOPIC_SQL = `
  INSERT INTO found
  SELECT 'topic', 'missing', key, min(micros) FROM wanted ANTI JOIN published USING (key) WHERE key IS NOT NULL GROUP BY key
  UNION ALL SELECT 'topic', 'extra', key, min(micros) FROM published ANTI JOIN wanted USING (key) WHERE key IS NOT NULL GROUP BY key
  UNION ALL SELECT 'topic', 'changed', key, min(w.micros) FROM wanted w JOIN published p USING (key)
             GROUP BY key HAVING NOT bool_or(p.hash = w.hash)`;

async function narrowHour(
  { source, lake, duckdb, directory }: Sources,
  period: Period,
  withTopic: boolean,
): Promise<void> {
  const file = join(directory, 'wanted.csv');
  await source.copyHashes(period, () => createWriteStream(file, { mode: 0o600 }));
  await duckdb.run('DELETE FROM wanted; DELETE FROM landed');
  // The source's hash is signed: the same 64 bits.
  await duckdb.run(
    `INSERT INTO wanted SELECT key, micros, CASE WHEN hash < 0 THEN hash::HUGEINT + 18446744073709551616 ELSE hash END::UBIGINT
       FROM read_csv(${quote(file)}, header = false, auto_detect = false, delim = ',',
                     columns = {key: 'BIGINT', micros: 'BIGINT', hash: 'BIGINT'})`,
  );
  await lake.copyRows('lake', period);
  await lake.copyRows('quarantine', period);
  for (const sql of [LAKE_SQL, NAMELESS_SQL('lake', 'landed'), NAMELESS_DOUBLED_SQL]) await duckdb.run(sql);
  if (!withTopic) return;
  await duckdb.run(
    `CREATE OR REPLACE TABLE published AS SELECT * FROM messages
      WHERE micros >= ${parseTimestamp(period.from)} AND micros < ${parseTimestamp(period.to)}`,
  );
  for (const sql of [TOPIC_SQL, NAMELESS_SQL('topic', 'published')]) await duckdb.run(sql);
}

/** An order that is missing in one hour and extra in another has another created_at there: one difference, not two. */
const MOVED_SQL = `
  CREATE TABLE moved AS SELECT place, key, min(micros) FILTER (kind = 'missing') AS micros FROM found
   WHERE key IS NOT NULL AND kind IN ('missing', 'extra') GROUP BY ALL HAVING count(DISTINCT kind) = 2`;

/** All that was found: by place and kind, and the first `limit` by time. */
export async function collect(
  duckdb: DuckDBConnection,
  limit: number,
): Promise<{ counts: { place: Place; kind: DifferenceKind; orders: number }[]; first: Difference[] }> {
  await duckdb.run(MOVED_SQL);
  await duckdb.run(`
    DELETE FROM found USING moved WHERE found.place = moved.place AND found.key = moved.key AND found.kind IN ('missing', 'extra');
    INSERT INTO found SELECT place, 'changed', key, micros FROM moved`);
  const counts = await duckdb.runAndReadAll(
    'SELECT place, kind, count(*)::DOUBLE FROM found GROUP BY ALL ORDER BY place DESC, kind',
  );
  const first = await duckdb.runAndReadAll(
    `SELECT place, kind, key::VARCHAR, micros FROM found ORDER BY micros, key, place DESC, kind LIMIT ${limit}`,
  );
  return {
    counts: counts.getRows().map(([place, kind, orders]) => ({
      place: place as Place,
      kind: kind as DifferenceKind,
      orders: Number(orders),
    })),
    first: first.getRows().map(([place, kind, orderId, micros]) => ({
      place: place as Place,
      kind: kind as DifferenceKind,
      orderId: orderId === null ? null : String(orderId),
      micros: micros as bigint,
    })),
  };
}

/** The days of what was found, `2025-11-18`. */
export async function daysFound(duckdb: DuckDBConnection): Promise<Set<string>> {
  const rows = await duckdb.runAndReadAll(
    `SELECT DISTINCT strftime(make_timestamp(micros), '%Y-%m-%d') FROM found`,
  );
  return new Set(rows.getRows().map(([day]) => String(day)));
}
