import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { WORKFLOWS, type WorkflowType } from '../../domain/names';
import { up } from '../stack';
import { freshNamespace, freshPipeline, type FreshPipeline, type Overrides } from '../stack/fresh-pipeline';
import { startWorkers, type Workers } from '../workers';

export interface Bench {
  pipeline: FreshPipeline;
  client: Client;
  workers: Workers;
  start: (type: WorkflowType) => Promise<void>;
}

/** Runs a measurement on a fresh pipeline of the project's stack, with real worker processes, and cleans up after it. */
export async function withBench<T>(overrides: Overrides, work: (bench: Bench) => Promise<T>): Promise<T> {
  const addresses = await up({ onProgress: (line) => console.error(line) });
  const pipeline = await freshPipeline(addresses, overrides);
  try {
    const { client, close } = await freshNamespace(addresses, pipeline.name);
    const workers = await startWorkers({
      env: pipeline.env,
      logFile: join(pipeline.directory, 'worker.log'),
    });
    try {
      const start = async (type: WorkflowType) => {
        const { id, taskQueue } = WORKFLOWS[type];
        await client.workflow.start(type, { workflowId: id, taskQueue });
      };
      return await work({ pipeline, client, workers, start });
    } finally {
      await workers.stop();
      await close();
    }
  } finally {
    await pipeline.dispose();
  }
}

/** Events and bytes of a workflow's history, over all the runs it continued as new into. */
export async function historyOf(
  client: Client,
  type: WorkflowType,
): Promise<{ runs: number; events: number; bytes: number }> {
  const sum = { runs: 0, events: 0, bytes: 0 };
  for await (const run of client.workflow.list({ query: `WorkflowId = "${WORKFLOWS[type].id}"` })) {
    const { historyLength, raw } = await client.workflow.getHandle(run.workflowId, run.runId).describe();
    sum.runs += 1;
    sum.events += historyLength;
    sum.bytes += Number(raw.workflowExecutionInfo?.historySizeBytes ?? 0);
  }
  return sum;
}

/** Asks `status` until `done` says so; a workflow that failed ends the measurement with its reason. */
export async function untilStatus<S>(
  client: Client,
  type: WorkflowType,
  done: (status: S) => boolean,
): Promise<S> {
  const handle = client.workflow.getHandle(WORKFLOWS[type].id);
  for (;;) {
    const { status } = await handle.describe();
    if (status.name !== 'RUNNING') await handle.result();
    const answer = await handle.query<S>('status');
    if (done(answer)) return answer;
    await sleep(50);
  }
}
