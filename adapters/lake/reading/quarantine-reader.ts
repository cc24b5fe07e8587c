/** What stands in quarantine, for people: through the ledger, so that only committed files count. Reads only. */
import type { DuckDBConnection, DuckDBValue } from '@duckdb/node-api';
import { ORDERS } from '../../../domain/table/orders';
import type { Column, FailureCode } from '../../../domain/table/table';
import type { LakeStorage, LiveFile } from '../../../ports';
import { BATCH_SQL, DATE_SQL, quote, quoteName, readParquet, timestampText, withDuckDB } from './duckdb';
import { allParts } from '../files';
import { LEDGER_DIRECTORY } from '../storage';
import { LakeLog, onlyBatch } from '../ledger';
import { batchesAt, type Message } from './message-batches';

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
  /** Number of the batch that has its offset. */
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
  await eachChunk(storage, files, async (duckdb, source) => {
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
  await tellBatches(storage, files, list.entries);
  list.summary = [...counts.values()].sort((a, b) =>
    `${a.rule} ${a.date}` < `${b.rule} ${b.date}` ? -1 : 1,
  );
  return list;
}

/** The batches that hold matching rows, in order: what would have to be reprocessed to validate those rows anew. */
export async function batchesOf(storage: LakeStorage, filter: QuarantineFilter): Promise<number[]> {
  const batches = new Set<number>();
  const { files } = await filesFor(storage, filter);
  const messages: Message[] = [];
  const withinOf = batchesOfFiles(files);
  for (const merged of [false, true]) {
    const some = files.filter((file) => (onlyBatch(file) === undefined) === merged);
    const columns = merged ? 'filename, kafka_partition, kafka_offset::VARCHAR' : BATCH;
    await eachChunk(storage, some, async (duckdb, source) => {
      const found = await duckdb.runAndReadAll(
        `SELECT DISTINCT ${columns} FROM ${source} WHERE ${whereSql(filter)}`,
      );
      for (const [first, partition, offset] of found.getRows()) {
        if (merged)
          messages.push({
            partition: Number(partition),
            offset: String(offset),
            within: withinOf(pathOf(first)),
          });
        else batches.add(Number(first));
      }
    });
  }
  for (const batch of await batchesAt(storage.lake, messages)) if (batch !== undefined) batches.add(batch);
  return [...batches].sort((a, b) => a - b);
}

function batchesOfFiles(files: readonly LiveFile[]): (path: string) => LiveFile['batches'] {
  const batches = new Map(files.map((file) => [file.path, file.batches]));
  return (path) => batches.get(path) ?? [];
}

/** The name of a merged file tells one of its batches. */
async function tellBatches(
  storage: LakeStorage,
  files: readonly LiveFile[],
  entries: readonly QuarantineEntry[],
): Promise<void> {
  const merged = new Set(files.filter((file) => onlyBatch(file) === undefined).map(({ path }) => path));
  const among = entries.filter(({ file }) => merged.has(file));
  const withinOf = batchesOfFiles(files);
  const messages = among.map(({ partition, offset, file }) => ({
    partition,
    offset,
    within: withinOf(file),
  }));
  const batches = await batchesAt(storage.lake, messages);
  for (const [index, entry] of among.entries()) entry.batch = batches[index] ?? entry.batch;
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
  await eachChunk(storage, files, async (duckdb, source) => {
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
  await tellBatches(storage, files, messages);
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
  return {
    orderId: orderId === null ? null : String(orderId),
    failedRules: String(rules).split(','),
    partition: Number(partition),
    offset: String(offset),
    batch: Number(batch),
    createdAt: createdAt === null ? null : String(createdAt),
    file: pathOf(file),
  };
}

/** `date=…/part-….parquet` of what DuckDB calls it. */
function pathOf(file: DuckDBValue | undefined): string {
  return String(file).split('/').slice(-2).join('/');
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
  { quarantine }: LakeStorage,
  files: readonly LiveFile[],
  use: (duckdb: DuckDBConnection, source: string) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < files.length; at += FILES) {
    await quarantine.withPaths(
      files.slice(at, at + FILES).map(({ path }) => path),
      (paths) => withDuckDB((duckdb) => use(duckdb, readParquet(paths, ', filename = true'))),
    );
  }
}

/** The files that may hold matching rows, in the order of their batches. */
async function filesFor(
  { lake, quarantine }: LakeStorage,
  { date }: QuarantineFilter,
): Promise<{ files: LiveFile[]; withoutLedger: boolean }> {
  const withoutLedger = (await lake.head(LEDGER_DIRECTORY).catch(() => undefined)) === undefined;
  const all = withoutLedger
    ? (await allParts(quarantine)).map(({ path, sequence }) => unlisted(path, sequence))
    : [...(await new LakeLog(lake).whole()).quarantine.values()].flatMap((files) => [...files.values()]);
  const files = all
    .filter(({ path }) => date === undefined || path.startsWith(`date=${date}/`))
    .sort((a, b) => (a.batches[0]?.[0] ?? 0) - (b.batches[0]?.[0] ?? 0));
  return { files, withoutLedger };
}

/** All that a file's name tells. */
function unlisted(path: string, sequence: number): LiveFile {
  return { path, rows: 0, bytes: 0, sha256: '', entry: sequence, batches: [[sequence, sequence]] };
}
