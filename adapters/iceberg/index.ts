/** Writes the lake's files down as an Apache Iceberg table of version 2. */
export { readStatistics, type DataFile } from './data-file';
export { expire } from './expiry';
export type { TableFiles } from './manifests';
export { currentSnapshot, newMetadata } from './metadata';
export { nextSnapshot, type SnapshotChange } from './snapshot';
export { tableFilesIn } from './table-files';
export { schemaOf } from './table-schema';
export type { Catalog } from './catalogs/catalog';
export { directoryCatalog } from './catalogs/directory';
export { postgresCatalog } from './catalogs/postgres';
export { restCatalog } from './catalogs/rest';
export { Publisher } from './publish';
