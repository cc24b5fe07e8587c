import { leftBy } from '../world/releases/restore';
import { encodeRows } from '../../adapters/lake/writing/parquet-writer';
import { LocalStorage } from '../../adapters/lake/storage/local/local-storage';
import {
  directoryCatalog,
  newMetadata,
  nextSnapshot,
  readStatistics,
  schemaOf,
  tableFilesIn,
  type Catalog,
  type DataFile,
  type SnapshotChange,
  type TableFiles,
} from '../../adapters/iceberg';
import { ORDERS } from '../../domain/table/orders';
import type { Table } from '../../domain/table/table';
import type { AcceptedRow, Storage } from '../../ports';
import { accepted } from './lake';

/** 2025-11-18 in days since 1970. */
const FIRST_DAY = 20_410;

/** An Iceberg table of files in a directory, with what a publisher does to it a step at a time. */
export class TestTable {
  readonly storage: Storage;
  readonly files: TableFiles;
  catalog: Catalog;
  #files = 0;
  #key = 0;

  /** `where`: a directory, or a lake's storage; `directory`: of the table, in there. */
  constructor(
    where: string | Storage,
    readonly table: Table = ORDERS,
    private readonly directory = '_iceberg',
  ) {
    this.storage = typeof where === 'string' ? new LocalStorage(where) : where;
    this.files = tableFilesIn(this.storage);
    this.catalog = directoryCatalog(this.storage, directory);
  }

  async create(properties: Record<string, string> = {}): Promise<void> {
    const metadata = newMetadata(this.table, this.storage.locate(this.directory), properties, Date.now());
    if (!(await this.catalog.commit(undefined, metadata))) throw new Error('there is a table');
  }

  /** A data file of so many orders of a day; their keys go on from file to file, their amounts are the keys in cents. */
  orders(day: number, rows: number): Promise<DataFile> {
    const at = new Date((FIRST_DAY + day) * 86_400_000).toISOString().slice(0, 10);
    const list = Array.from({ length: rows }, (_, row) => {
      const key = ++this.#key;
      const createdAt = `${at}T10:${String(row % 60).padStart(2, '0')}:01.123456Z`;
      return accepted(key, {
        amountHundredths: key,
        customerName: `Zoë 日本語 ${key} the longest`,
        createdAt,
      });
    });
    return this.file(day, encodeRows(ORDERS, list, 'snappy'));
  }

  /** A data file of these bytes. */
  async file(day: number, bytes: Uint8Array): Promise<DataFile> {
    const name = `${this.directory}/data/part-${++this.#files}.parquet`;
    await this.storage.put(name, bytes);
    return {
      content: 0,
      file_path: this.storage.locate(name),
      file_format: 'PARQUET',
      partition: { [`${this.table.position.name}_day`]: FIRST_DAY + day },
      file_size_in_bytes: bytes.length,
      sort_order_id: 1,
      ...(await readStatistics(bufferOf(bytes), schemaOf(this.table).fields)),
    };
  }

  rows(day: number, rows: readonly AcceptedRow[]): Promise<DataFile> {
    return this.file(day, encodeRows(this.table, rows, 'snappy'));
  }

  /** Commits one snapshot, unless others were faster. */
  async commit(
    change: Partial<Omit<SnapshotChange, 'removes'>> & { removes?: readonly DataFile[] },
    { mergeAt = 100, properties = {} }: { mergeAt?: number; properties?: Record<string, string> } = {},
  ): Promise<boolean> {
    const base = await this.catalog.load();
    if (base === undefined) throw new Error('there is no table');
    const { operation = 'append', adds = [], removes = [], summary = {} } = change;
    const { metadata } = await nextSnapshot(
      this.files,
      base.metadata,
      { operation, adds, summary, removes: removes.map(placeOf) },
      { mergeAt, manifestBytes: 1 << 20, now: Date.now() },
    );
    const next = { ...metadata, properties: { ...metadata.properties, ...properties } };
    return this.catalog.commit(base, next);
  }
}

const placeOf = ({ file_path, partition }: DataFile) => ({
  location: file_path,
  day: Object.values(partition)[0]!,
});

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

/** A lake file of a released version, which has no field ids; of 2025-11-18. */
export function fileOf(release: '0.1.0' | '0.3.0'): Uint8Array {
  const { files } = leftBy(release);
  const [, bytes] = Object.entries(files).find(
    ([path]) => path.startsWith('lake/date=2025-11-18') && path.endsWith('.parquet'),
  )!;
  return Buffer.from(bytes, 'base64');
}
