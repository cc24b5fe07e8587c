/** A pipeline of its own with real worker processes and a proxy before each server: what most fault tests need. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WORKFLOWS, type Queue } from '../../domain/names';
import type { ServerName, StackAddresses } from '../../dev/stack';
import * as fresh from '../../dev/stack/fresh-pipeline';
import type { Workers } from '../../dev/workers';
import { eventually, servers, type FreshPipeline } from '../helpers/pipeline';
import { startWorkers } from '../helpers/processes';
import { Proxy } from '../helpers/proxy';

export interface Harness {
  pipeline: FreshPipeline;
  client: Client;
  /** Workers reach the servers through these; the test itself does not. */
  proxies: Record<ServerName, Proxy>;
  workers: Workers;
  /** Another group of workers on the same pipeline. */
  moreWorkers(): Promise<Workers>;
  /** How many processes have served a queue so far, over all groups. */
  workersStarted(): number;
  dispose(): Promise<void>;
}

/**
 * Starts workers and both workflows; `address` are the servers of the global set-up if not given.
 *
 * @param begin whether workflows are started too; else {@link startWorkflows} does it later
 */
export async function startHarness(
  overrides: fresh.Overrides = {},
  address: StackAddresses = servers(),
  begin = true,
): Promise<Harness> {
  const ends: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    const failures: unknown[] = [];
    // What cannot be ended, say on a server that was killed, must not keep the rest from it.
    for (const end of ends.splice(0).reverse()) await end().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0] as Error;
  };
  try {
    const between = async (target: string, options = {}) => {
      const proxy = await Proxy.listen(target, options);
      ends.push(() => proxy.close());
      return proxy;
    };
    const proxies = {
      postgres: await between(`${address.PGHOST}:${address.PGPORT}`),
      kafka: await between(address.KAFKA_BROKERS, { kafka: true }),
      temporal: await between(address.TEMPORAL_ADDRESS),
    };
    const pipeline = await fresh.freshPipeline(address, {
      ...overrides,
      postgres: { host: '127.0.0.1', port: proxies.postgres.port, ...overrides.postgres },
      kafka: { brokers: [proxies.kafka.address], ...overrides.kafka },
    });
    ends.push(() => pipeline.dispose());
    const { client, close } = await fresh.freshNamespace(address, pipeline.name);
    ends.push(close);
    const groups: Workers[] = [];
    const moreWorkers = async () => {
      // A log of its own for each group.
      const directory = join(pipeline.directory, `workers-${groups.length}`);
      mkdirSync(directory);
      const env = { ...pipeline.env, TEMPORAL_ADDRESS: proxies.temporal.address };
      const group = await startWorkers({ env, directory });
      groups.push(group);
      ends.push(() => group.kill());
      return group;
    };
    const workers = await moreWorkers();
    // Some part of the server may still not know the namespace.
    if (begin) await eventually(() => startWorkflows(client));
    const workersStarted = () => groups.reduce((sum, group) => sum + group.starts, 0);
    return { pipeline, client, proxies, workers, moreWorkers, workersStarted, dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Starts those of the two workflows that do not run. */
export async function startWorkflows(client: Client): Promise<void> {
  for (const [type, { id: workflowId, taskQueue }] of Object.entries(WORKFLOWS)) {
    await client.workflow.start(type, { workflowId, taskQueue, workflowIdConflictPolicy: 'USE_EXISTING' });
  }
}

/** The process that serves a queue now; a group starts a new one when it died. */
export function pidOf(group: Workers, queue: Queue): number {
  const pid = group.pids.get(queue);
  if (pid === undefined) throw new Error(`no ${queue} worker has started:\n${group.log()}`);
  return pid;
}

/** SIGKILL, SIGSTOP or SIGCONT to the process of one queue. */
export function signal(group: Workers, queue: Queue, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(pidOf(group, queue), name);
}

/** What a harness is like. */
export interface HarnessOptions {
  overrides?: fresh.Overrides;
  address?: StackAddresses;
  /** Whether the workflows are started with it; default true. */
  begin?: boolean;
}

/** Runs a test with a harness of its own, which ends with it, after `timeoutMs` at the latest. */
export async function withHarness(
  work: (harness: Harness) => Promise<void>,
  options: HarnessOptions & { timeoutMs?: number } = {},
): Promise<void> {
  const { overrides, address, begin, timeoutMs = 90_000 } = options;
  const harness = await startHarness(overrides, address, begin);
  const stop = new AbortController();
  try {
    const late = sleep(timeoutMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(`not done after ${timeoutMs} ms`);
    });
    await Promise.race([work(harness), late]);
  } catch (error) {
    console.error(harness.workers.log().slice(-3_000));
    throw error;
  } finally {
    stop.abort();
    await harness.dispose();
  }
}

/**
 * Ends `landOrders` and starts it anew, as an operator may: what dead attempts left is swept then. The lake stays
 * complete without it; temporary files are invisible to readers, but they are there.
 */
export async function restartLanding({ client }: Pick<Harness, 'client'>): Promise<void> {
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  await client.workflow.getHandle(workflowId).terminate('test');
  await client.workflow.start('landOrders', { workflowId, taskQueue });
}
