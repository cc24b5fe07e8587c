/**
 * What the activities need of the world, and nothing more. `adapters/` implements these over PostgreSQL,
 * Kafka and a file system; every quirk of a library stays there.
 *
 * Every method rejects with a {@link NonRetryableError} where no retry can help and with any other error where one can. Every method that may run long takes a `signal` and rejects soon after it is aborted.
 */
export * from './lake-table';
export * from './ledger';
export * from './metrics';
export * from './orders-lake';
export * from './orders-source';
export * from './orders-topic';
export * from './source-rows';
export * from './storage';
export * from './telemetry';
export * from './watermark-file';
