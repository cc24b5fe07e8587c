/**
 * Which rows stand already in the lake or quarantine: DuckDB joins them with the files of their dates.
 *
 * Only files of committed batches may count. Batches are committed one after the other, and a batch's lookup runs
 * after the one before it was committed: so a file with a smaller sequence in its name is a committed one, and what
 * an earlier attempt of this batch (or a batch given up after it) has left is not looked at. A replay runs when no batch
 * is in flight, so for it every other batch's files are committed ones.
 */
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { BIGINT, DuckDBDataChunk, INTEGER, VARCHAR } from '@duckdb/node-api';
import type { DamagedFile } from '../../../domain/damaged';
import { keyOf, microsOf, type Row, type Table } from '../../../domain/table/table';
import type { Batches, Found, LakePart, LakeStorage, QuarantinedRow } from '../../../ports';
import { quoteName, readParquet, withDuckDB, LiveFiles, type LiveFile } from '../reading';
import { sha256, dateDirectory, partsOf } from '../files';
import { quarantineDirectory } from './quarantine-writer';

/** Indexes of the orders whose key stands in a file of their date of one of these batches. */
export async function findLanded(
  storage: LakeStorage,
  table: Table,
  batches: Batches,
  orders: readonly Row[],
): Promise<Found> {
  const found = new Set<number>();
  const byDate = indexesBy(orders, (order) => dateDirectory(microsOf(table, order)!));
  const key = quoteName(table.key.name);
  const among = (sequence: number) => counts(batches, sequence);
  const look = new Look(storage, 'lake');
  await look.forEachDate(among, byDate, async (duckdb, files, indexes) => {
    const keys = indexes.map((index) => keyOf(table, orders[index]!)!);
    await fillTable(duckdb, { [key]: BIGINT, row: INTEGER }, [keys, indexes]);
    // DuckDB hands the join's smallest and largest key to the scan, which skips row groups outside them.
    await collect(duckdb, `SELECT DISTINCT row FROM ${readParquet(files)} JOIN wanted USING (${key})`, found);
  });
  return { indexes: found, damaged: look.damaged };
}

/**
 * Indexes of the rows that stand in the quarantine: same key and position, same message where the key is unknown, same
 * offset of the same topic where there is no position.
 */
export async function findQuarantined(
  storage: LakeStorage,
  table: Table,
  batches: Batches,
  rows: readonly QuarantinedRow[],
): Promise<Found> {
  const found = new Set<number>();
  const keys = rows.map((row) => identityOf(table, row));
  const identity = identityInSql(table);
  const look = new Look(storage, 'quarantine');
  const lookUp = (since: number, wanted: (row: QuarantinedRow) => boolean) => {
    const byDate = indexesBy(rows, (row) => (wanted(row) ? quarantineDirectory(table, row) : undefined));
    const among = (sequence: number) => counts(batches, sequence) && sequence >= since;
    return look.forEachDate(among, byDate, async (duckdb, files, indexes) => {
      await fillTable(duckdb, { key: VARCHAR, row: INTEGER }, [
        indexes.map((index) => keys[index] as string),
        indexes,
      ]);
      await collect(
        duckdb,
        `SELECT DISTINCT row FROM ${readParquet(files)} AS kept JOIN wanted ON wanted.key = ${identity}`,
        found,
      );
    });
  };
  await lookUp(1, ({ order }) => microsOf(table, order) !== null);
  await lookUp(batches.topicSince ?? 1, ({ order }) => microsOf(table, order) === null);
  return { indexes: found, damaged: look.damaged };
}

/** What makes two quarantined rows one; {@link identityInSql} is the same over a file's columns. */
function identityOf(table: Table, { order, message }: QuarantinedRow): string {
  const [key, micros] = [keyOf(table, order), microsOf(table, order)];
  if (micros === null) return `${message.partition} at ${message.offset}`;
  // Its position was read from a value, so there is one.
  return key === null ? `value ${sha256(message.value!)}` : `${key}|${micros}`;
}

function identityInSql(table: Table): string {
  const [key, position] = [table.key, table.position].map(({ name }) => `kept.${quoteName(name)}`);
  return `
  CASE WHEN ${position} IS NULL THEN kept.kafka_partition || ' at ' || kept.kafka_offset
       WHEN ${key} IS NULL THEN 'value ' || sha256(kept.raw_value)
       ELSE ${key} || '|' || epoch_us(${position}) END`;
}

/** Rows whose key is `undefined` are left out. */
function indexesBy<T>(rows: readonly T[], key: (row: T) => string | undefined): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  rows.forEach((row, index) => {
    const of = key(row);
    if (of === undefined) return;
    const group = groups.get(of);
    if (group === undefined) groups.set(of, [index]);
    else group.push(index);
  });
  return groups;
}

function counts(batches: Batches, sequence: number): boolean {
  return 'before' in batches ? sequence < batches.before : sequence !== batches.except;
}

/** One look-up in the lake or the quarantine, and the files that it had to leave out. */
class Look {
  readonly #damaged = new Map<string, DamagedFile>();
  readonly #live: LiveFiles;

  constructor(
    private readonly storage: LakeStorage,
    private readonly kind: LakePart,
  ) {
    this.#live = new LiveFiles(storage);
  }

  get damaged(): DamagedFile[] {
    return [...this.#damaged.values()];
  }

  async forEachDate(
    among: (sequence: number) => boolean,
    byDate: Map<string, number[]>,
    look: (duckdb: DuckDBConnection, files: string[], indexes: number[]) => Promise<void>,
  ): Promise<void> {
    const root = this.storage[this.kind];
    for (const [date, indexes] of byDate) {
      const parts = (await partsOf(root, date)).filter(({ sequence }) => among(sequence));
      const sorted = await this.#live.sort(this.kind, parts);
      sorted.damaged.forEach((file) => this.#leaveOut(file));
      await this.#readable(sorted.live, (files) =>
        withDuckDB((duckdb) =>
          look(
            duckdb,
            files.map(({ path }) => root.locate(path)),
            indexes,
          ),
        ),
      );
    }
  }

  /** Without the files that were changed, where DuckDB fails because of them; any other failure is the caller's. */
  async #readable(
    live: readonly LiveFile[],
    read: (files: readonly LiveFile[]) => Promise<void>,
  ): Promise<void> {
    for (let files = live; files.length > 0;) {
      try {
        return await read(files);
      } catch (error) {
        const changed = await this.#live.changed(this.kind, files);
        if (changed.size === 0) throw error;
        for (const file of changed.values()) this.#leaveOut(file);
        files = files.filter((file) => !changed.has(file));
      }
    }
  }

  #leaveOut(file: DamagedFile): void {
    this.#damaged.set(file.file, file);
  }
}

/** Rows a chunk: DuckDB's vectors hold 2048. */
const CHUNK_ROWS = 2048;

/** The connection's temporary table `wanted`. By chunks: a value at a time takes four times as long. */
async function fillTable(
  duckdb: DuckDBConnection,
  columns: Record<string, DuckDBType>,
  values: readonly (readonly (bigint | number | string)[])[],
): Promise<void> {
  const types = Object.values(columns);
  const list = Object.entries(columns).map(([name, type]) => `${name} ${type.toString()}`);
  await duckdb.run(`CREATE TEMP TABLE wanted (${list.join(', ')})`);
  const appender = await duckdb.createAppender('wanted');
  const rows = values[0]?.length ?? 0;
  for (let at = 0; at < rows; at += CHUNK_ROWS) {
    const slices = values.map((column) => column.slice(at, at + CHUNK_ROWS));
    const chunk = DuckDBDataChunk.create(types, slices[0]?.length ?? 0);
    chunk.setColumns(slices);
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

async function collect(duckdb: DuckDBConnection, sql: string, into: Set<number>): Promise<void> {
  const reader = await duckdb.runAndReadAll(sql);
  for (const row of reader.getColumns()[0] ?? []) into.add(row as number);
}
