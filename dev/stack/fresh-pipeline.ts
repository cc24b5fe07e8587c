import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time';
import { Pool } from 'pg';
import { stringify } from 'yaml';
import { registerSearchAttributes } from '../../adapters/temporal/search-attributes';
import { parseSettings } from '../../configs/load';
import type { Settings } from '../../configs/schema';
import { createOrdersTable, ORDERS_TABLE } from './orders-table';
import type { StackAddresses } from './types';

export { ORDERS_TABLE } from './orders-table';

/** A pipeline of its own on a shared stack, for a test or a measurement: database, topic, lake, state directory and Temporal namespace, all fresh. */
export interface FreshPipeline {
  name: string;
  settings: Settings;
  /** Variables that make a worker or the CLI in another process use it. */
  env: Record<string, string>;
  /** Connected to the fresh database as its owner. */
  pool: Pool;
  directory: string;
  lakePath: string;
  dispose(): Promise<void>;
}

/** Settings that differ from those of a fresh pipeline. */
export type Overrides = { [S in keyof Settings]?: Partial<Settings[S]> };

export async function freshPipeline(
  address: StackAddresses,
  overrides: Overrides = {},
): Promise<FreshPipeline> {
  const name = `t${randomBytes(5).toString('hex')}`;
  const admin = new Pool({ ...connectionOf(address), max: 1 });
  // A server that goes, or a database that is dropped, ends idle sessions; that is no test's failure.
  admin.on('error', () => undefined);
  await admin.query(`CREATE DATABASE ${name}`);
  const pool = new Pool({ ...connectionOf(address), database: name });
  pool.on('error', () => undefined);
  await pool.query(createOrdersTable(ORDERS_TABLE));

  const directory = mkdtempSync(join(tmpdir(), `orders-stream-${name}-`));
  const lakePath = overrides.datalake?.path ?? join(directory, 'lake');
  const raw = {
    postgres: {
      host: address.PGHOST,
      port: address.PGPORT,
      db: name,
      user: address.PGUSER,
      password: address.PGPASSWORD,
      ...overrides.postgres,
    },
    kafka: {
      brokers: address.KAFKA_BROKERS,
      topic: `${name}_orders`,
      consumer_group: `${name}_group`,
      ...overrides.kafka,
    },
    cdc: { poll_interval_sec: 0.05, ...overrides.cdc },
    consumer: { trigger_interval_ms: 500, ...overrides.consumer },
    datalake: { path: lakePath, ...overrides.datalake },
    streaming: { last_processed_timestamp_location: join(directory, 'state') },
    logging: { level: '${LOG_LEVEL:-warn}' },
    telemetry: {
      metrics: { listen: '${METRICS_LISTEN:-}' },
      traces: { sample_ratio: '${OTEL_TRACES_SAMPLER_ARG:-0}' },
    },
  };
  // As the file may not hold them.
  const secrets = {
    PGPASSWORD: raw.postgres.password ?? '',
    KAFKA_PASSWORD: overrides.kafka?.sasl?.password ?? '',
  };
  const written = stringify({
    ...raw,
    postgres: { ...raw.postgres, password: '${PGPASSWORD:-}' },
    kafka: {
      ...raw.kafka,
      ...(overrides.kafka?.sasl && { sasl: { ...overrides.kafka.sasl, password: '${KAFKA_PASSWORD}' } }),
    },
  });
  const file = join(directory, 'settings.yml');
  writeFileSync(file, written);
  return {
    name,
    settings: parseSettings(written, file, secrets),
    env: {
      ...secrets,
      ORDERS_CONFIG: file,
      TEMPORAL_ADDRESS: address.TEMPORAL_ADDRESS,
      TEMPORAL_NAMESPACE: name,
    },
    pool,
    directory,
    lakePath,
    async dispose() {
      rmSync(directory, { recursive: true, force: true });
      await pool.end();
      await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
      await admin.end();
    },
  };
}

export function connectionOf(address: StackAddresses) {
  return {
    host: address.PGHOST,
    port: Number(address.PGPORT),
    user: address.PGUSER,
    password: address.PGPASSWORD,
    database: address.PGDATABASE,
  };
}

/** A client of a new namespace, registered and ready to be used; with the search attributes if wanted. */
export async function freshNamespace(
  address: StackAddresses,
  namespace: string,
  options: { searchAttributes?: boolean } = {},
): Promise<{ client: Client; close: () => Promise<void> }> {
  const connection = await Connection.connect({ address: address.TEMPORAL_ADDRESS });
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: msToTs('1 day'),
  });
  const client = new Client({ connection, namespace });
  // A new namespace is known to every part of the server only after a moment.
  await retrying(() => client.workflow.count('WorkflowType = "none"'), 30_000);
  if (options.searchAttributes === true) await registerSearchAttributes(connection, namespace);
  return { client, close: () => connection.close() };
}

/** Runs `probe` until it does not throw; fails with its last error after `timeoutMs`. */
export async function retrying<T>(probe: () => Promise<T> | T, timeoutMs = 20_000): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await probe();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(50);
    }
  }
}
