/** What stands in quarantine, for people: through the ledger, so that only committed files count. Reads only. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { basename } from 'node:path/posix';
import { ORDERS } from '../../../domain/table/orders';
import type { Column, FailureCode } from '../../../domain/table/table';
import type { LakeStorage } from '../../../ports';
import { BATCH_SQL, DATE_SQL, quote, quoteName, readParquet, timestampText, withDuckDB } from './duckdb';
import { sequenceOfPart, allParts } from '../files';
import { LEDGER_DIRECTORY } from '../storage';
import { readBatches } from '../ledger';

export interface QuarantineFilter {
  rule?: FailureCode;
  /** `2025-11-18`: the day the row is filed under. */
  date?: string;
  /** Offsets `[from, to)` of a partition; either bound may be left out. */
  partition?: number;
  from?: string;
  to?: string;
}

/** One row, without its message. */
interface QuarantineEntry {
  orderId: string | null;
  failedRules: string[];
  partition: number;
  offset: string;
  /** Number of the batch that the file's name tells. */
  batch: number;
  /** UTC, 27 characters. */
  createdAt: string | null;
  /** Relative to the quarantine. */
  file: string;
}

export interface QuarantineList {
  rows: number;
  /** A row that breaks several rules counts for each. */
  summary: { rule: string; date: string; rows: number }[];
  /** The first ones by batch, partition and offset. */
  entries: QuarantineEntry[];
  /** There is no ledger, so every file counts, committed or not. */
  withoutLedger: boolean;
}

/** A row in full. */
export interface QuarantinedMessage extends QuarantineEntry {
  error: string;
  /** The columns as far as they could be read, as text. */
  columns: Record<string, string | null>;
  kafkaTimestamp: string | null;
  key: Buffer | null;
  value: Buffer | null;
}

/** Files of one statement. */
const FILES = 500;

/** Counts the rows that match, and lists the first `limit` of them. */
export async function listQuarantine(
  storage: LakeStorage,
  filter: QuarantineFilter,
  limit: number,
): Promise<QuarantineList> {
  const { files, withoutLedger } = await filesFor(storage, filter);
  const counts = new Map<string, { rule: string; date: string; rows: number }>();
  const list: QuarantineList = { rows: 0, summary: [], entries: [], withoutLedger };
  await eachChunk(files, async (duckdb, source) => {
    const where = whereSql(filter);
    const total = await duckdb.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${source} WHERE ${where}`);
    list.rows += Number(total.getRows()[0]?.[0]);
    const groups = await duckdb.runAndReadAll(
      `SELECT rule, date, count(*)::DOUBLE FROM (
         SELECT unnest(string_split(failed_rules, ',')) AS rule, ${DATE_SQL} AS date FROM ${source} WHERE ${where})
        GROUP BY ALL ORDER BY ALL`,
    );
    for (const [rule, date, rows] of groups.getRows()) {
      const group = { rule: String(rule), date: String(date), rows: Number(rows) };
      const known = counts.get(`${group.rule} ${group.date}`);
      if (known === undefined) counts.set(`${group.rule} ${group.date}`, group);
      else known.rows += group.rows;
    }
    const left = limit - list.entries.length;
    if (left <= 0) return;
    // Files come in the order of their batches, so the first chunks hold the first rows.
    const found = await duckdb.runAndReadAll(
      `SELECT ${ENTRY_SQL} FROM ${source} WHERE ${where}
        ORDER BY ${BATCH}, kafka_partition, kafka_offset LIMIT ${left}`,
    );
    list.entries.push(...found.getRows().map(entryOf));
  });
  list.summary = [...counts.values()].sort((a, b) =>
    `${a.rule} ${a.date}` < `${b.rule} ${b.date}` ? -1 : 1,
  );
  return list;
}

/** The batches that hold matching rows, in order: what would have to be reprocessed to validate those rows anew. */
export async function batchesOf(storage: LakeStorage, filter: QuarantineFilter): Promise<number[]> {
  const batches = new Set<number>();
  const { files } = await filesFor(storage, filter);
  await eachChunk(files, async (duckdb, source) => {
    const found = await duckdb.runAndReadAll(
      `SELECT DISTINCT ${BATCH} FROM ${source} WHERE ${whereSql(filter)}`,
    );
    for (const [batch] of found.getRows()) batches.add(Number(batch));
  });
  return [...batches].sort((a, b) => a - b);
}

/** The rows of one message: one, or none; several where it was landed again after a reset, or the topic was recreated. */
export async function showQuarantined(
  storage: LakeStorage,
  partition: number,
  offset: string,
): Promise<QuarantinedMessage[]> {
  const filter = { partition, from: offset, to: String(BigInt(offset) + 1n) };
  const { files } = await filesFor(storage, filter);
  const messages: QuarantinedMessage[] = [];
  await eachChunk(files, async (duckdb, source) => {
    const found = await duckdb.runAndReadAll(
      `SELECT ${ENTRY_SQL}, error, hex(raw_key), hex(raw_value), ${timestampText('kafka_timestamp')},
              ${COLUMNS.map(columnSql).join(', ')}
         FROM ${source} WHERE ${whereSql(filter)} ORDER BY ${BATCH}`,
    );
    for (const row of found.getRows()) {
      const text = row.map((value) => (value === null ? null : String(value)));
      const [error, key, value, kafkaTimestamp, ...columns] = text.slice(7);
      const entry = entryOf(row);
      messages.push({
        ...entry,
        error: error ?? '',
        columns: Object.fromEntries(COLUMNS.map(({ name }, index) => [name, columns[index] ?? null])),
        kafkaTimestamp: kafkaTimestamp ?? null,
        key: bytesOf(key),
        value: bytesOf(value),
      });
    }
  });
  return messages;
}

const { columns: COLUMNS, key: KEY, position: POSITION } = ORDERS;

const columnSql = (column: Column) =>
  column === POSITION ? timestampText(quoteName(column.name)) : `${quoteName(column.name)}::VARCHAR`;
const BATCH = `${BATCH_SQL}::BIGINT`;
const ENTRY_SQL = `${columnSql(KEY)}, failed_rules, kafka_partition, kafka_offset::VARCHAR, ${BATCH}::DOUBLE,
  ${columnSql(POSITION)}, filename`;

function entryOf(row: readonly DuckDBValue[]): QuarantineEntry {
  const [orderId, rules, partition, offset, batch, createdAt, file] = row;
  const path = String(file);
  return {
    orderId: orderId === null ? null : String(orderId),
    failedRules: String(rules).split(','),
    partition: Number(partition),
    offset: String(offset),
    batch: Number(batch),
    createdAt: createdAt === null ? null : String(createdAt),
    file: path.split('/').slice(-2).join('/'),
  };
}

function bytesOf(hex: string | null | undefined): Buffer | null {
  return hex === null || hex === undefined ? null : Buffer.from(hex, 'hex');
}

function whereSql({ rule, partition, from, to }: QuarantineFilter): string {
  const terms = ['true'];
  if (rule !== undefined) terms.push(`list_contains(string_split(failed_rules, ','), ${quote(rule)})`);
  if (partition !== undefined) terms.push(`kafka_partition = ${partition}`);
  if (from !== undefined) terms.push(`kafka_offset >= ${BigInt(from)}`);
  if (to !== undefined) terms.push(`kafka_offset < ${BigInt(to)}`);
  return terms.join(' AND ');
}

async function eachChunk(
  files: readonly string[],
  use: (duckdb: DuckDBConnection, source: string) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < files.length; at += FILES) {
    const source = readParquet(files.slice(at, at + FILES), ', filename = true');
    await withDuckDB((duckdb) => use(duckdb, source));
  }
}

/** Absolute paths of the files that may hold matching rows, in the order of their batches. */
async function filesFor(
  storage: LakeStorage,
  { date, partition, from = '0', to }: QuarantineFilter,
): Promise<{ files: string[]; withoutLedger: boolean }> {
  const { lake, quarantine } = storage;
  const ofDate = (path: string) => date === undefined || path.startsWith(`date=${date}/`);
  const absolute = (path: string) => quarantine.locate(path);
  if ((await lake.head(LEDGER_DIRECTORY).catch(() => undefined)) === undefined) {
    const parts = (await allParts(quarantine)).sort((a, b) => a.sequence - b.sequence);
    return {
      files: parts
        .map(({ path }) => path)
        .filter(ofDate)
        .map(absolute),
      withoutLedger: true,
    };
  }
  const { batches } = await readBatches(lake);
  const files = [...batches.values()]
    .filter(({ ranges }) =>
      ranges.some(
        (range) =>
          partition === undefined ||
          (range.partition === partition &&
            BigInt(range.to) > BigInt(from) &&
            (to === undefined || BigInt(range.from) < BigInt(to))),
      ),
    )
    .sort((a, b) => a.sequence - b.sequence)
    .flatMap(({ quarantineFiles }) => quarantineFiles.map(({ path }) => path));
  for (const path of files) {
    if (sequenceOfPart(basename(path)) === undefined)
      throw new Error(`${path} is not the name of a part file`);
  }
  return { files: files.filter(ofDate).map(absolute), withoutLedger: false };
}
