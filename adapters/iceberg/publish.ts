/**
 * Publishes a lake's log as an Iceberg table: what counts after its last entry becomes one snapshot, and the entry's number a
 * property of the table in the same commit. So each snapshot is what the log holds up to an entry, and committing twice is seen.
 */
import { asyncBufferFromFile } from 'hyparquet';
import type { Table } from '../../domain/table/table';
import type { Expired, LakeTable, LiveFile, Published, Storage } from '../../ports';
import type { Catalog, LoadedTable } from './catalogs/catalog';
import { readStatistics, type DataFile } from './data-file';
import { expire } from './expiry';
import { readManifest, readManifestList, type TableFiles } from './manifests';
import { currentSnapshot, firstSpec, newMetadata, type TableMetadata } from './metadata';
import { nextSnapshot, type SnapshotOptions } from './snapshot';
import { schemaOf } from './table-schema';

/** The number of the log's last entry that the table holds. */
const POSITION = 'orders.log-position';
/** The lake whose log it is. */
const LAKE_ID = 'orders.lake-id';

/** What counts in the lake after an entry of its log. */
export interface LogContents {
  sequence: number;
  /** With the entry that listed each. */
  files: readonly LiveFile[];
}

export interface PublisherOptions extends Omit<SnapshotOptions, 'now'> {
  table: Table;
  catalog: Catalog;
  /** The lake's, in which the table's files are, too. */
  storage: Storage;
  files: TableFiles;
  /** The table's directory, a name in the storage. */
  directory: string;
  lakeId: string;
  log: () => Promise<LogContents>;
  /** Snapshots that are younger stay, and so do the newest `keepSnapshots`: a reader may be at one of them. */
  retentionMs: number;
  keepSnapshots: number;
}

/** Other writers may commit between load and commit as often; then the next attempt of the activity goes on. */
const ATTEMPTS = 10;

/** Footers that are read at once. */
const AT_ONCE = 8;

/** A file that the table names. */
interface Named {
  date: string;
  rows: number;
}

export class Publisher implements LakeTable {
  /** What the newest snapshot that was seen names, so that the next one needs no look at all manifests. */
  #named: { snapshot: unknown; files: Map<string, Named> } | undefined;

  constructor(private readonly options: PublisherOptions) {}

  async publish(): Promise<Published> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const base = await this.#table();
      const contents = await this.options.log();
      const from = this.#positionOf(base.metadata, contents);
      const none = { added: 0, removed: 0, addedRows: 0, removedRows: 0, again: [] };
      if (from === contents.sequence) return { from, to: from, ...none };
      const published = await this.#publish(base, from, contents);
      if (published !== undefined) return published;
    }
    throw this.#outrun();
  }

  async expire(): Promise<Expired> {
    const { catalog, files, retentionMs, keepSnapshots: keep } = this.options;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const base = await catalog.load();
      if (base === undefined) break;
      const expiry = await expire(files, base.metadata, { olderThan: Date.now() - retentionMs, keep });
      if (expiry.expired === 0) break;
      if (!(await catalog.commit(base, expiry.metadata))) continue;
      const gone = [...expiry.metadataFiles, ...expiry.dataFiles].filter((one) => this.#isTables(one));
      for (const location of gone) await files.remove(location);
      return { snapshots: expiry.expired, files: gone.length };
    }
    return { snapshots: 0, files: 0 };
  }

  /** Whether a file is in the table's directory. Others are the lake's own, in a storage without second names: the log may list them. */
  #isTables(location: string): boolean {
    return location.startsWith(`${this.options.storage.locate(this.options.directory)}/`);
  }

  #outrun(): Error {
    const { name } = this.options.catalog;
    return new Error(
      `${name}: others have committed ${ATTEMPTS} times before this one could; it is tried again`,
    );
  }

  async #publish(
    base: LoadedTable,
    from: number,
    { sequence, files }: LogContents,
  ): Promise<Published | undefined> {
    const { options } = this;
    const named = await this.#filesOf(base.metadata);
    const { adds, removes, again } = this.#difference(named, files, from);
    const added = await this.#dataFiles(adds);
    const [addedRows, removedRows] = [rowsIn(adds), rowsIn(removes.map(([, file]) => file))];
    const operation = removes.length === 0 ? 'append' : addedRows === removedRows ? 'replace' : 'overwrite';
    let metadata = base.metadata;
    let written: string[] = [];
    if (adds.length > 0 || removes.length > 0) {
      const change = {
        operation,
        adds: added,
        removes: removes.map(([location, { date }]) => ({ location, day: dayOf(date) })),
        summary: { [POSITION]: String(sequence) },
      } as const;
      const now = Date.now();
      ({ metadata, written } = await nextSnapshot(options.files, metadata, change, { ...options, now }));
    }
    const properties = { ...metadata.properties, [POSITION]: String(sequence), [LAKE_ID]: options.lakeId };
    const committed = await this.#commit(base, { ...metadata, properties }, sequence);
    if (!committed) {
      for (const location of written) await options.files.remove(location);
      return undefined;
    }
    for (const [location] of removes) named.delete(location);
    added.forEach(({ file_path }, at) => named.set(file_path, namedAs(adds[at] as LiveFile)));
    this.#named = { snapshot: currentSnapshot(metadata)?.['snapshot-id'], files: named };
    const counts = { added: adds.length, removed: removes.length, addedRows, removedRows };
    return { from, to: sequence, ...counts, again };
  }

  /** Where it is not known whether the commit was carried out, the table tells by its position. */
  async #commit(base: LoadedTable, next: TableMetadata, sequence: number): Promise<boolean> {
    try {
      return await this.options.catalog.commit(base, next);
    } catch (error) {
      this.#named = undefined;
      const now = await this.options.catalog.load();
      if (now !== undefined && Number(now.metadata.properties[POSITION]) >= sequence) return true;
      throw error;
    }
  }

  async #table(): Promise<LoadedTable> {
    const { catalog, storage, directory, table, lakeId } = this.options;
    const properties: Record<string, string> = { [POSITION]: '0', [LAKE_ID]: lakeId };
    // There the table names the lake's own files: what others expire must not be removed, the log may list it.
    if (!storage.renames) properties['gc.enabled'] = 'false';
    for (;;) {
      const loaded = await catalog.load();
      if (loaded !== undefined) return loaded;
      await catalog.commit(undefined, newMetadata(table, storage.locate(directory), properties, Date.now()));
    }
  }

  #positionOf({ properties }: TableMetadata, { sequence }: LogContents): number {
    const { catalog, lakeId } = this.options;
    const of = properties[LAKE_ID];
    const position = Number(properties[POSITION] ?? NaN);
    if ((of !== undefined && of !== lakeId) || !Number.isSafeInteger(position))
      throw new Error(
        `the Iceberg table ${catalog.name} is not of this lake (${lakeId}) but of ${of ?? 'no lake'}: give ` +
          'datalake.iceberg.catalog another table',
      );
    if (position > sequence)
      throw new Error(
        `the Iceberg table ${catalog.name} holds the ledger up to entry ${position}, but the ledger ends at ${sequence}: it has ` +
          'lost entries. Put them back, or remove the table: it is made anew from the ledger',
      );
    return position;
  }

  /** All files that the table names. */
  async #filesOf(metadata: TableMetadata): Promise<Map<string, Named>> {
    const snapshot = currentSnapshot(metadata);
    if (this.#named !== undefined && this.#named.snapshot === snapshot?.['snapshot-id'])
      return this.#named.files;
    const files = new Map<string, Named>();
    const spec = firstSpec(metadata);
    const manifests = snapshot === undefined ? [] : await readManifestList(this.options.files, snapshot);
    for (const manifest of manifests) {
      if (manifest.content !== 0 || spec === undefined || manifest.partition_spec_id !== 0) continue;
      for (const { data_file: file } of await readManifest(this.options.files, manifest, spec))
        files.set(file.file_path, { date: dateOf(file), rows: Number(file.record_count) });
    }
    return files;
  }

  /**
   * What makes the table hold these files. A date in which other writers have rewritten files, and the log has merged or replaced
   * some since, is published whole: else rows would be there twice.
   */
  #difference(
    named: ReadonlyMap<string, Named>,
    files: readonly LiveFile[],
    from: number,
  ): { adds: LiveFile[]; removes: [string, Named][]; again: string[] } {
    const wanted = new Map(files.map((file) => [this.#locationOf(file), file]));
    const foreign = new Set<string>();
    for (const [location, { date }] of named) if (!this.#isOurs(location)) foreign.add(date);
    const isNew = (file: LiveFile) => file.entry > from;
    // A file that lists its own batch alone brings rows that are nowhere else.
    const replaces = ({ entry, batches: [first, ...more] }: LiveFile) =>
      more.length > 0 || first?.[0] !== entry || first[1] !== entry;
    const goes = (location: string) => this.#isOurs(location) && !wanted.has(location);
    const again = new Set<string>();
    for (const file of files) {
      const date = namedAs(file).date;
      if (foreign.has(date) && isNew(file) && replaces(file)) again.add(date);
    }
    const adds = [...wanted].filter(
      ([location, file]) => !named.has(location) && (isNew(file) || again.has(namedAs(file).date)),
    );
    const removes = [...named].filter(
      ([location, { date }]) => goes(location) || (again.has(date) && !wanted.has(location)),
    );
    return { adds: adds.map(([, file]) => file), removes, again: [...again].sort() };
  }

  /** Of a file's name in the table: on a disk a second name, which also tells a replay's bytes from those before. */
  #nameOf({ path, sha256 }: LiveFile): string {
    if (!this.options.storage.renames) return path;
    return `${this.options.directory}/data/${path.replace(/\.parquet$/, '')}-${sha256.slice(0, 12)}.parquet`;
  }

  #locationOf(file: LiveFile): string {
    return this.options.storage.locate(this.#nameOf(file));
  }

  /** By their names: other writers put theirs elsewhere, and call them otherwise. */
  #isOurs(location: string): boolean {
    const { storage, directory } = this.options;
    const root = storage.locate(storage.renames ? `${directory}/data` : directory.split('/')[0]!);
    const below = storage.renames ? root : root.slice(0, root.lastIndexOf('/'));
    return location.startsWith(`${below}/date=`) && /\/part-\d{10}-[0-9a-f-]+\.parquet$/.test(location);
  }

  async #dataFiles(files: readonly LiveFile[]): Promise<DataFile[]> {
    const found: DataFile[] = [];
    for (let at = 0; at < files.length; at += AT_ONCE)
      found.push(...(await Promise.all(files.slice(at, at + AT_ONCE).map((file) => this.#dataFile(file)))));
    return found;
  }

  async #dataFile(file: LiveFile): Promise<DataFile> {
    const { storage, table } = this.options;
    const name = this.#nameOf(file);
    if (storage.renames) {
      // Merged or replayed since the log was read, or damaged: the table must not name other bytes than the log.
      const linked = await storage.link(file.path, name);
      const is = linked ? await storage.fingerprint(name) : undefined;
      if (is?.sha256 !== file.sha256) {
        if (linked) await storage.remove(name);
        throw new Error(
          `${storage.locate(file.path)} is not what ledger entry ${file.entry} says. If a merge is going on, it is there ` +
            'soon; else look at it with: npm run orders -- audit',
        );
      }
    }
    const { fields } = schemaOf(table);
    const statistics = await storage.withPaths([name], async ([path]) =>
      readStatistics(await asyncBufferFromFile(path as string), fields),
    );
    return {
      content: 0,
      file_path: storage.locate(name),
      file_format: 'PARQUET',
      partition: { [`${table.position.name}_day`]: dayOf(namedAs(file).date) },
      file_size_in_bytes: file.bytes,
      sort_order_id: 1,
      ...statistics,
    };
  }
}

const namedAs = ({ path, rows }: LiveFile): Named => ({
  date: path.slice('date='.length, path.indexOf('/')),
  rows,
});

const rowsIn = (files: readonly { rows: number }[]) => files.reduce((sum, { rows }) => sum + rows, 0);

/** Days since 1970 of `2025-11-18`. */
const dayOf = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 86_400_000;

function dateOf({ partition }: DataFile): string {
  const day = Object.values(partition)[0] ?? 0;
  return new Date(day * 86_400_000).toISOString().slice(0, 10);
}
