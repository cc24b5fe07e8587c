/**
 * A catalog in PostgreSQL, as Iceberg's own JDBC catalog and pyiceberg's SqlCatalog keep it: a row a table, which says where its
 * metadata is. One of several writers changes the row.
 */
import { randomUUID } from 'node:crypto';
import type { Storage } from '../../../ports';
import { parseMetadata, printMetadata, withPrevious } from '../metadata';
import type { Catalog } from './catalog';

/** Of a connection or a pool. */
export interface Database {
  query(
    sql: string,
    values: unknown[],
  ): Promise<{ rows: Record<string, unknown>[]; rowCount: number | null }>;
}

export interface TableName {
  /** By which readers tell several catalogs of one database apart. */
  catalog: string;
  namespace: string;
  table: string;
}

const CREATE = `
CREATE TABLE IF NOT EXISTS iceberg_tables (
  catalog_name varchar(255) NOT NULL, table_namespace varchar(255) NOT NULL, table_name varchar(255) NOT NULL,
  metadata_location varchar(1000), previous_metadata_location varchar(1000), iceberg_type varchar(5) DEFAULT 'TABLE',
  PRIMARY KEY (catalog_name, table_namespace, table_name))`;

const CREATE_NAMESPACES = `
CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
  catalog_name varchar(255) NOT NULL, namespace varchar(255) NOT NULL, property_key varchar(255) NOT NULL,
  property_value varchar(1000), PRIMARY KEY (catalog_name, namespace, property_key))`;

const PRESENT = `SELECT to_regclass('iceberg_tables') IS NOT NULL AS present`;

const LOAD = `
SELECT metadata_location FROM iceberg_tables
 WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3`;

const INSERT = `
INSERT INTO iceberg_tables (catalog_name, table_namespace, table_name, metadata_location) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING`;

const UPDATE = `
UPDATE iceberg_tables SET metadata_location = $4, previous_metadata_location = $5
 WHERE catalog_name = $1 AND table_namespace = $2 AND table_name = $3 AND metadata_location = $5`;

/** `directory`: of the table's files, a name in the storage. */
export function postgresCatalog(
  database: Database,
  { catalog, namespace, table }: TableName,
  storage: Storage,
  directory: string,
): Catalog {
  const name = [catalog, namespace, table];
  return {
    name: name.join('.'),

    async load() {
      const [{ present }] = (await database.query(PRESENT, [])).rows as [{ present: boolean }];
      if (!present) return undefined;
      const [row] = (await database.query(LOAD, name)).rows;
      if (row === undefined) return undefined;
      const location = String(row['metadata_location']);
      const bytes = await storage.get(storage.nameOf(location));
      if (bytes === undefined)
        throw new Error(`${location}, to which the catalog's table ${name.join('.')} leads, is not there`);
      return { metadata: parseMetadata(bytes.toString(), location), location };
    },

    async commit(base, next) {
      const number = String(next['last-sequence-number']).padStart(5, '0');
      const file = `${directory}/metadata/${number}-${randomUUID()}.metadata.json`;
      const whole = base === undefined ? next : withPrevious(next, base.metadata, base.location);
      await storage.put(file, Buffer.from(printMetadata(whole)));
      const location = storage.locate(file);
      if (base === undefined) for (const sql of [CREATE, CREATE_NAMESPACES]) await database.query(sql, []);
      const { rowCount } =
        base === undefined
          ? await database.query(INSERT, [...name, location])
          : await database.query(UPDATE, [...name, location, base.location]);
      if (rowCount !== 1) await storage.remove(file);
      return rowCount === 1;
    },
  };
}
