/** A pipeline of its own with real worker processes and a proxy before Kafka: what most fault tests need. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WORKFLOWS, type Queue } from '../../model/names';
import type { StackAddresses } from '../../stack';
import * as fresh from '../../stack/fresh-pipeline';
import { eventually, servers, type FreshPipeline } from '../helpers/pipeline';
import { startWorkers, type WorkerGroup } from '../helpers/processes';
import { Proxy } from '../helpers/proxy';

export interface Rig {
  pipeline: FreshPipeline;
  client: Client;
  /** Workers reach Kafka through it. */
  kafka: Proxy;
  workers: WorkerGroup;
  /** Another group of workers on the same pipeline. */
  moreWorkers(): Promise<WorkerGroup>;
  dispose(): Promise<void>;
}

/** Starts workers and both workflows; `address` are the servers of the global set-up if not given. */
export async function startRig(
  overrides: fresh.Overrides = {},
  address: StackAddresses = servers(),
): Promise<Rig> {
  const ends: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const kafka = await Proxy.listen(address.KAFKA_BROKERS, { kafka: true });
    ends.push(() => kafka.close());
    const { kafka: kafkaOverrides, ...others } = overrides;
    const pipeline = await fresh.freshPipeline(address, {
      ...others,
      kafka: { brokers: [kafka.address], ...kafkaOverrides },
    });
    ends.push(() => pipeline.dispose());
    const { client, close } = await fresh.freshNamespace(address, pipeline.name);
    ends.push(close);
    let groups = 0;
    const moreWorkers = async () => {
      // A log of its own for each group.
      const folder = join(pipeline.folder, `workers-${groups++}`);
      mkdirSync(folder);
      const group = await startWorkers({ ...pipeline, folder });
      ends.push(() => group.kill());
      return group;
    };
    const workers = await moreWorkers();
    // Some part of the server may still not know the namespace.
    await eventually(() => startWorkflows(client));
    return { pipeline, client, kafka, workers, moreWorkers, dispose };
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
export function pidOf(group: WorkerGroup, queue: Queue): number {
  const pids = [...group.log().matchAll(/^worker (\w+) \(pid (\d+)\) serves/gm)].filter(
    ([, name]) => name === queue,
  );
  const last = pids.at(-1);
  if (last === undefined) throw new Error(`no ${queue} worker has started:\n${group.log()}`);
  return Number(last[2]);
}

/** SIGKILL, SIGSTOP or SIGCONT to the process of one queue. */
export function signal(group: WorkerGroup, queue: Queue, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  process.kill(pidOf(group, queue), name);
}

/** Runs a test with a rig of its own, which ends with it, after `timeoutMs` at the latest. */
export async function withRig(
  work: (rig: Rig) => Promise<void>,
  options: { overrides?: fresh.Overrides; address?: StackAddresses; timeoutMs?: number } = {},
): Promise<void> {
  const { overrides, address, timeoutMs = 90_000 } = options;
  const rig = await startRig(overrides, address);
  const stop = new AbortController();
  try {
    const late = sleep(timeoutMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error(`not done after ${timeoutMs} ms`);
    });
    await Promise.race([work(rig), late]);
  } catch (error) {
    console.error(rig.workers.log().slice(-3_000));
    throw error;
  } finally {
    stop.abort();
    await rig.dispose();
  }
}

/**
 * Ends `landOrders` and starts it anew, as an operator may: what dead attempts left is swept then. The lake stays
 * complete without it; temporary files are invisible to readers, but they are there.
 */
export async function restartLanding({ client }: Pick<Rig, 'client'>): Promise<void> {
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  await client.workflow.getHandle(workflowId).terminate('test');
  await client.workflow.start('landOrders', { workflowId, taskQueue });
}
