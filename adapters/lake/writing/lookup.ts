/**
 * Which rows stand already in the lake or quarantine: DuckDB joins them with the files of their dates.
 *
 * Only files that the log lists count. Batches are committed one after the other, and a batch's lookup runs after the one before
 * it was committed; of one that is committed already its own files are left out. A replay runs when no batch is in flight. A merged
 * file counts with all its rows: those of the batch that is landed again stay there.
 */
import type { DuckDBConnection, DuckDBType } from '@duckdb/node-api';
import { BIGINT, DuckDBDataChunk, INTEGER, VARCHAR } from '@duckdb/node-api';
import type { DamagedFile } from '../../../domain/damaged';
import { keyOf, microsOf, type Row, type Table } from '../../../domain/table/table';
import type { Batches, Found, LakePart, LakeStorage, LiveFile, QuarantinedRow } from '../../../ports';
import { quoteName, readParquet, withDuckDB, type LiveFiles } from '../reading';
import { sha256, dateDirectory } from '../files';
import { quarantineDirectory } from './quarantine-writer';

/** The lake, and what its log lists. */
interface Place {
  storage: LakeStorage;
  files: LiveFiles;
}

/** Indexes of the orders whose key stands in a file of their date of one of these batches. */
export async function findLanded(
  place: Place,
  table: Table,
  batches: Batches,
  orders: readonly Row[],
): Promise<Found> {
  const found = new Set<number>();
  const byDate = indexesBy(orders, (order) => dateDirectory(microsOf(table, order)!));
  const key = quoteName(table.key.name);
  const look = new Look(place, 'lake', batches);
  await look.forEachDate(1, byDate, async (duckdb, files, indexes) => {
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
  place: Place,
  table: Table,
  batches: Batches,
  rows: readonly QuarantinedRow[],
): Promise<Found> {
  const found = new Set<number>();
  const keys = rows.map((row) => identityOf(table, row));
  const identity = identityInSql(table);
  const look = new Look(place, 'quarantine', batches);
  const lookUp = (since: number, wanted: (row: QuarantinedRow) => boolean) => {
    const byDate = indexesBy(rows, (row) => (wanted(row) ? quarantineDirectory(table, row) : undefined));
    return look.forEachDate(since, byDate, async (duckdb, files, indexes) => {
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

/** Whether a file holds rows of batches that count. With rows of a topic before `since` it would take its offsets for this topic's. */
function counts(batches: Batches, since: number, of: LiveFile['batches']): boolean {
  if (of.some(([from]) => from < since)) return false;
  return 'before' in batches
    ? of.some(([from]) => from < batches.before)
    : of.some(([from, to]) => from !== batches.except || to !== batches.except);
}

/** One look-up in the lake or the quarantine, and the files that it had to leave out. */
class Look {
  readonly #damaged = new Map<string, DamagedFile>();

  constructor(
    private readonly place: Place,
    private readonly kind: LakePart,
    private readonly batches: Batches,
  ) {}

  get damaged(): DamagedFile[] {
    return [...this.#damaged.values()];
  }

  /** @param since the first batch whose rows count */
  async forEachDate(
    since: number,
    byDate: Map<string, number[]>,
    look: (duckdb: DuckDBConnection, files: string[], indexes: number[]) => Promise<void>,
  ): Promise<void> {
    const { kind, batches, place } = this;
    const { [kind]: root } = place.storage;
    const known = 'before' in batches ? batches.before - 1 : batches.except;
    for (const [date, indexes] of byDate) {
      const among = (of: LiveFile['batches']) => counts(batches, since, of);
      const { live, damaged } = await place.files.ofDate(kind, date, among, known);
      damaged.forEach((file) => this.#leaveOut(file));
      await this.#readable(live, (files) =>
        root.withPaths(
          files.map(({ path }) => path),
          (paths) => withDuckDB((duckdb) => look(duckdb, paths, indexes)),
        ),
      );
    }
  }

  /** Without the files that were changed or are gone, where DuckDB fails because of them; any other failure is the caller's. */
  async #readable(
    live: readonly LiveFile[],
    read: (files: readonly LiveFile[]) => Promise<void>,
  ): Promise<void> {
    for (let files = live; files.length > 0;) {
      try {
        return await read(files);
      } catch (error) {
        const changed = await this.place.files.changed(this.kind, files);
        if (changed.size === 0) throw error;
        for (const file of changed.values()) if (file !== undefined) this.#leaveOut(file);
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
