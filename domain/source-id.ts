/**
 * Which table, of which database, of which server a capture reads, and how its created_at is read. A watermark means something
 * there only. Kept as one text in the workflow's state and in the progress record.
 */
export interface SourceIdentity {
  /** Of the server's data; a physical standby and a restored file backup have it too. `null` where the role may not know. */
  system: string | null;
  /** PostgreSQL's numbers: another database or table never has them, a renamed one keeps them. */
  databaseOid: string;
  tableOid: string;
  /** `timestamptz(6)`, or with the zone it is read in `timestamp(6)@UTC`. */
  createdAt: string;
  /** For people. */
  database: string;
  /** Quoted, with its schema. */
  table: string;
  /** host:port */
  server: string;
}

const FIELDS = ['system', 'databaseOid', 'tableOid', 'createdAt', 'database', 'table', 'server'] as const;

/** One text; names have at most 63 bytes each, so it stays below 500 characters. */
export function encodeSource(source: SourceIdentity): string {
  return FIELDS.map((field) => (source[field] ?? '-').replace(/[\s%]/g, encodeURIComponent)).join(' ');
}

/** `undefined` for a text of another version, which says nothing. */
export function decodeSource(text: string): SourceIdentity | undefined {
  const values = text.split(' ').map((value) => decodeURIComponent(value));
  if (values.length !== FIELDS.length) return undefined;
  const fields = Object.fromEntries(FIELDS.map((field, index) => [field, values[index]]));
  return { ...fields, system: fields['system'] === '-' ? null : fields['system'] } as SourceIdentity;
}

/** What is another one than before; `undefined` where nothing is that matters, or nothing is known. */
export function sourceDifference(
  known: SourceIdentity,
  found: SourceIdentity,
): 'database' | 'table' | 'createdAt' | undefined {
  const otherSystem = known.system !== null && found.system !== null && known.system !== found.system;
  if (otherSystem || known.databaseOid !== found.databaseOid) return 'database';
  if (known.tableOid !== found.tableOid) return 'table';
  return known.createdAt === found.createdAt ? undefined : 'createdAt';
}

/** `127.0.0.1:5432/orders, table "public"."orders" (server 7568…, database 5, table 16402)` */
export function describeSource({ server, database, table, ...ids }: SourceIdentity): string {
  const system = ids.system === null ? '' : `server ${ids.system}, `;
  return `${server}/${database}, table ${table} (${system}database ${ids.databaseOid}, table ${ids.tableOid})`;
}
