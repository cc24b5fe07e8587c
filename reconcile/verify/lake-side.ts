import { basename } from 'node:path/posix';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { LakePart, LakeStorage, LiveFile, TextRow } from '../../ports';
import {
  batchesAt,
  LakeLog,
  quote,
  quoteName,
  readListed,
  readParquet,
  sequenceOfPath,
  dateDirectories,
} from '../../adapters/lake/reading';
import { ORDERS } from '../../domain/table/orders';
import { lakeHashSql, lakeTextColumns } from './row-text';
import { addTo, UNIT_LENGTH, type Period, type SumsBy, type Unit } from '../../domain/row-sums';

const HASH = lakeHashSql(ORDERS);
const [KEY, POSITION, TOTAL] = [ORDERS.key, ORDERS.position, ORDERS.total].map(({ name }) =>
  quoteName(name),
) as [string, string, string];
/** Makes a whole number of the total. */
const UNIT = `1${'0'.repeat(ORDERS.total.scale)}`;

/** Files of one statement. */
const FILES = 1_000;

/** Lake and quarantine as their readers see them, but without files that hold only rows of batches after the last one to be compared. */
export class LakeSide {
  /** By the paths that DuckDB read. */
  readonly #shown = new Map<string, string>();
  readonly #log: LakeLog;

  constructor(
    private readonly storage: LakeStorage,
    /** The ledger's last entry when the bounds were found. */
    private readonly last: number,
    private readonly duckdb: DuckDBConnection,
  ) {
    this.#log = new LakeLog(storage.lake);
  }

  async sums(part: LakePart, period: Period, unit: Unit): Promise<SumsBy> {
    const sums: SumsBy = new Map();
    await this.#each(part, period, async (files) => {
      const { from, to } = period;
      const rows = await this.duckdb.runAndReadAll(
        `SELECT ${bucketSql(unit)}, count(*)::VARCHAR, (coalesce(sum(${TOTAL}), 0) * ${UNIT})::HUGEINT::VARCHAR, sum(${HASH})::VARCHAR
           FROM ${readParquet(files)} WHERE ${withinSql({ from, to })} GROUP BY 1`,
      );
      for (const row of rows.getRows()) addTo(sums, row);
    });
    return sums;
  }

  /** Adds to the table `landed` (key, micros, hash, file, part). */
  async copyRows(part: LakePart, period: Period): Promise<void> {
    await this.#each(part, period, async (files) => {
      await this.duckdb.run(
        `INSERT INTO landed SELECT ${KEY}, epoch_us(${POSITION}), ${HASH}, filename, '${part}'
           FROM ${readParquet(files, ', filename = true')} WHERE ${withinSql(period)}`,
      );
    });
  }

  /** Rows of these ids and the day. */
  async rowsById(orderIds: readonly string[], day: string): Promise<{ row: TextRow; file: string }[]> {
    const found: { row: TextRow; file: string }[] = [];
    const texts = lakeTextColumns(ORDERS);
    for (const part of ['lake', 'quarantine'] as const) {
      await this.#each(part, dayOf(day), async (files) => {
        const rows = await this.duckdb.runAndReadAll(
          `SELECT ${texts.join(', ')}, filename FROM ${readParquet(files, ', filename = true')}
            WHERE ${KEY} IN (${orderIds.map((id) => BigInt(id)).join(', ')}) AND ${POSITION} IS NOT NULL`,
        );
        for (const row of rows.getRows()) {
          const values = row.map((value) => (value === null ? null : String(value)));
          const columns: TextRow = Object.fromEntries(
            ORDERS.names.map((name, index) => [name, values[index] ?? null]),
          );
          found.push({ row: columns, file: this.shown(values.at(-1)!) });
        }
      });
    }
    return found;
  }

  async countTimeless(): Promise<number> {
    let rows = 0;
    await this.#each('quarantine', undefined, async (files) => {
      const found = await this.duckdb.runAndReadAll(
        `SELECT count(*)::DOUBLE FROM ${readParquet(files)} WHERE ${POSITION} IS NULL`,
      );
      rows += Number(found.getRows()[0]?.[0]);
    });
    return rows;
  }

  /** The batch from `since` on that has this message's offset. */
  async batchOf(
    { partition, offset }: { partition: number; offset: string },
    since: number,
  ): Promise<number | undefined> {
    const within: [number, number][] = [[since, this.last]];
    return (await batchesAt(this.storage.lake, [{ partition, offset, within }]))[0];
  }

  /** `date=…/part-….parquet`, with the quarantine's directory where it is there. */
  shown(path: string): string {
    return this.#shown.get(path) ?? path;
  }

  async #each(
    part: LakePart,
    period: Period | undefined,
    use: (files: string[]) => Promise<void>,
  ): Promise<void> {
    const root = this.storage[part];
    const prefix = part === 'lake' ? '' : `${basename(root.location)}/`;
    const read = (names: readonly string[]) =>
      root.withPaths(names, (paths) => {
        for (const [at, path] of paths.entries()) this.#shown.set(path, `${prefix}${names[at]}`);
        return use(paths);
      });
    const isWanted = (directory: string) => {
      const day = directory.slice('date='.length);
      return period === undefined || (day >= period.from.slice(0, 10) && day <= period.to.slice(0, 10));
    };
    for (const directory of (await this.#dates(part)).filter(isWanted)) {
      let failure: unknown;
      await readListed(
        () => this.#listed(part, directory),
        async (names) => {
          for (let at = 0; at < names.length && failure === undefined; at += FILES) {
            try {
              await read(names.slice(at, at + FILES));
            } catch (error) {
              // What was read before counts already, so the date cannot be read anew.
              if (at === 0) throw error;
              failure = error;
            }
          }
        },
      );
      if (failure !== undefined) throw failure as Error;
    }
  }

  /** In a directory what its readers list, in a bucket what the log lists. */
  async #dates(part: LakePart): Promise<string[]> {
    const root = this.storage[part];
    return root.renames ? dateDirectories(root) : [...(await this.#log.whole())[part].keys()];
  }

  async #listed(part: LakePart, directory: string): Promise<string[]> {
    const root = this.storage[part];
    if (!root.renames) return this.#counting(part, directory);
    const paths = (await root.list(directory)).filter(isRead).map((name) => `${directory}/${name}`);
    const isLater = (path: string) => (sequenceOfPath(path) ?? 0) > this.last;
    if (!paths.some(isLater)) return paths;
    // After the listing: a file that was merged by then is in the log.
    const counting = new Set(await this.#counting(part, directory));
    return paths.filter((path) => !isLater(path) || counting.has(path));
  }

  /** By the log, those with rows of batches up to the last one: a merged file may hold rows of later ones, too. */
  async #counting(part: LakePart, directory: string): Promise<string[]> {
    const counts = ({ batches }: LiveFile) => batches.some(([first]) => first <= this.last);
    const files = (await this.#log.whole())[part].get(directory)?.values() ?? [];
    return [...files].filter(counts).map(({ path }) => path);
  }
}

/** As readers do. */
function isRead(name: string): boolean {
  return name.endsWith('.parquet') && !/^[._]/.test(name);
}

/** The whole of `2025-11-18`. */
function dayOf(day: string): Period {
  return { from: `${day}T00:00:00.000000Z`, to: `${day}T23:59:59.999999Z` };
}

function bucketSql(unit: Unit): string {
  return `substr(strftime(make_timestamp(epoch_us(${POSITION})), '%Y-%m-%dT%H'), 1, ${UNIT_LENGTH[unit]})`;
}

function withinSql({ from, to }: Period): string {
  return `${POSITION} >= ${quote(from)}::TIMESTAMPTZ AND ${POSITION} < ${quote(to)}::TIMESTAMPTZ`;
}
