import { setTimeout as sleep } from 'node:timers/promises';
import type { LakePart, Storage } from '../../ports';
import {
  dateDirectories,
  LakeLog,
  openStorage,
  partsOf,
  readParquet,
  withDuckDB,
} from '../../adapters/lake/reading';
import type { Settings } from '../../configs/schema';

/** Between two listings; adds half of it, on average, to the freshness that is shown. */
const LOOK_EVERY_MS = 100;

/**
 * Freshness as a reader of the lake has it. Each live order's clock starts just before its INSERT is sent and stops when
 * a listing of the lake's directories, or the log of one in a bucket, shows the file that holds it, as DuckDB then finds. Both times are this process's, so
 * it needs no clock of a server, and it is never less than the truth.
 */
export class LakeWatch {
  /** Orders that were inserted and not yet seen, and when. */
  readonly #pending = new Map<string, number>();
  readonly #known = new Set<string>();
  readonly #seen: { at: number; seconds: number }[] = [];

  private constructor(
    private readonly roots: { storage: Storage; part: LakePart }[],
    private readonly log: LakeLog,
    /** `date=…` of the day before the demo began; what lies before holds no live orders. */
    private readonly since: string,
  ) {}

  /** Files that are there now are not looked at. */
  static async open(datalake: Settings['datalake']): Promise<LakeWatch> {
    const { lake, quarantine } = openStorage(datalake);
    const since = `date=${new Date(Date.now() - 86_400_000).toISOString().slice(0, 10)}`;
    const watch = new LakeWatch(
      [
        { storage: lake, part: 'lake' },
        { storage: quarantine, part: 'quarantine' },
      ],
      new LakeLog(lake),
      since,
    );
    for (const root of watch.roots) await watch.#newFiles(root);
    return watch;
  }

  expect(orderIds: readonly string[], sentAt: number): void {
    for (const id of orderIds) this.#pending.set(id, sentAt);
  }

  /** Live orders that are neither in the lake nor in quarantine yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Of the last `seconds`, or of all; `undefined` before the first order was seen. */
  freshness(seconds = Infinity): { p50: number; p95: number; worst: number; orders: number } | undefined {
    const after = Date.now() - seconds * 1000;
    const values = this.#seen.filter(({ at }) => at >= after).map((seen) => seen.seconds);
    if (values.length === 0) return undefined;
    values.sort((a, b) => a - b);
    const at = (share: number) => values[Math.ceil(values.length * share) - 1]!;
    return { p50: at(0.5), p95: at(0.95), worst: at(1), orders: values.length };
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const root of this.roots) {
        const files = await this.#newFiles(root);
        const at = Date.now();
        for (const id of await root.storage.withPaths(files, idsIn))
          this.#arrived(id, at, root.part === 'lake');
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  #arrived(id: string, at: number, counts: boolean): void {
    const sentAt = this.#pending.get(id);
    if (sentAt === undefined) return;
    this.#pending.delete(id);
    if (counts) this.#seen.push({ at, seconds: (at - sentAt) / 1000 });
  }

  async #newFiles({ storage, part }: { storage: Storage; part: LakePart }): Promise<string[]> {
    const found: string[] = [];
    for (const date of await this.#dates(storage, part)) {
      if (date < this.since) continue;
      const files = storage.renames ? partsOf(storage, date) : this.log.filesOf(part, date);
      for (const { path } of await files) {
        if (!this.#known.has(storage.locate(path))) found.push(path);
        this.#known.add(storage.locate(path));
      }
    }
    return found;
  }

  async #dates(storage: Storage, part: LakePart): Promise<string[]> {
    return storage.renames ? dateDirectories(storage) : [...(await this.log.state())[part].keys()];
  }
}

async function idsIn(files: readonly string[]): Promise<string[]> {
  if (files.length === 0) return [];
  return withDuckDB(async (duckdb) => {
    const sql = `SELECT order_id::VARCHAR FROM ${readParquet(files)} WHERE order_id IS NOT NULL`;
    return (await duckdb.runAndReadAll(sql)).getRows().map(([id]) => String(id));
  });
}
