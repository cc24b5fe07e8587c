import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { lookUpSearchAttributes, wrongTypes } from '../../adapters/temporal/search-attributes';
import { WORKFLOWS, type WorkflowType } from '../../domain/names';
import type { Pause } from '../../domain/requests';
import { failingActivities } from '../status';
import { describeEnd, lookAt } from '../workflow-life';
import { START } from '../workflow-task';
import { examineOthers } from './other-workflows';
import { Findings, LOOK_MS, within, type Finding } from './finding';

const SETUP = 'run: npm run orders -- setup';

export interface TemporalExamined {
  findings: Finding[];
  /** Hosts of the workers that poll now, by their identities; empty where none does. */
  workerHosts: string[];
}

export async function examineTemporal(client: Client, address: string): Promise<TemporalExamined> {
  const findings = new Findings('Temporal');
  const { namespace } = client.options;
  const hosts = new Set<string>();
  const again = 'try again; if it goes on, look into the server’s log';
  const system = await findings.look('server', 'start it, or set TEMPORAL_ADDRESS', () =>
    client.workflowService.getSystemInfo({}),
  );
  if (system === undefined) return { findings: findings.all, workerHosts: [] };
  findings.fine('server', `${address}, version ${system.serverVersion}`);

  const known = await findings.look(
    'namespace',
    `create it (temporal operator namespace create -n ${namespace}), or set TEMPORAL_NAMESPACE`,
    () => client.workflowService.describeNamespace({ namespace }),
  );
  if (known === undefined) {
    const failed = findings.all.at(-1)!;
    failed.lasting = failed.found.includes('NOT_FOUND');
    return { findings: findings.all, workerHosts: [] };
  }
  const days = Number(known.config?.workflowExecutionRetentionTtl?.seconds ?? 0) / 86_400;
  findings.fine('namespace', `${namespace}, keeps closed runs for ${Math.round(days * 10) / 10} days`);
  await examineAttributes(findings, client, namespace);

  for (const [type, { id, taskQueue }] of Object.entries(WORKFLOWS) as [
    WorkflowType,
    (typeof WORKFLOWS)[WorkflowType],
  ][]) {
    await findings.look(`queue ${taskQueue}`, again, async () => {
      const found = await pollersOf(client, taskQueue);
      for (const identity of found) hosts.add(identity.slice(identity.indexOf('@') + 1));
      if (found.length > 0) findings.fine(`queue ${taskQueue}`, `polled by ${found.join(', ')}`);
      else
        findings.warning(
          `queue ${taskQueue}`,
          'no worker has polled in the last minutes',
          'run: npm run worker',
        );
    });
    await findings.look(type, again, () => examineWorkflow(findings, client, type, id));
  }
  await findings.look('other workflows', again, () => examineOthers(findings, client));
  return { findings: findings.all, workerHosts: [...hosts] };
}

async function examineAttributes(findings: Findings, client: Client, namespace: string): Promise<void> {
  const about = 'search attributes';
  const connection = client.connection as Required<typeof client.connection>;
  try {
    const { missing, ofOtherType } = await within(LOOK_MS, lookUpSearchAttributes(connection, namespace));
    if (ofOtherType.length > 0)
      findings.warning(about, wrongTypes(ofOtherType, namespace), 'until then the workflows set none');
    else if (missing.length > 0)
      findings.warning(about, `not registered: ${missing.join(', ')}; the workflows run without`, SETUP);
    else findings.fine(about, 'registered');
  } catch (error) {
    findings.warning(about, `cannot be seen: ${(error as Error).message}`, 'the workflows run without them');
  }
}

/** temporal.api.enums.v1.TaskQueueType */
const [OF_WORKFLOWS, OF_ACTIVITIES] = [1, 2];

/** Identities of workers that poll both for workflows and for activities. */
async function pollersOf(client: Client, name: string): Promise<string[]> {
  const [forWorkflows, forActivities] = await Promise.all(
    [OF_WORKFLOWS, OF_ACTIVITIES].map(async (taskQueueType) => {
      const { namespace } = client.options;
      const { pollers } = await client.workflowService.describeTaskQueue({
        namespace,
        taskQueue: { name },
        taskQueueType,
      });
      return (pollers ?? []).map(({ identity }) => identity ?? '');
    }),
  );
  return [...new Set(forWorkflows)].filter((identity) => forActivities!.includes(identity));
}

async function examineWorkflow(
  findings: Findings,
  client: Client,
  type: WorkflowType,
  id: string,
): Promise<void> {
  const start = `run: ${START}`;
  const { running, ended, troubles } = await lookAt(client, type);
  for (const { found, toDo, stuck } of troubles)
    if (stuck) findings.transient(type, found, toDo);
    else findings.warning(type, found, toDo);
  if (ended !== undefined) {
    const mend = ended.how === 'failed' ? 'mend what it says, then ' : '';
    findings.warning(type, `${id}: ${describeEnd(ended)}`, `${mend}${start}`);
  } else if (running === undefined) findings.warning(type, 'was never started', start);
  else if (troubles.length === 0) await examineRunning(findings, client, type, id);
}

async function examineRunning(
  findings: Findings,
  client: Client,
  type: WorkflowType,
  id: string,
): Promise<void> {
  const handle = client.workflow.getHandle(id);
  const failing = await failingActivities(handle);
  const paused = await pausedSince(client, id);
  if (failing.length > 0)
    findings.warning(type, `retries ${failing.join('; ')}`, 'nothing, if that server comes back by itself');
  else if (paused === undefined) findings.fine(type, `${id} runs`);
  if (paused !== undefined)
    findings.warning(
      type,
      `${id} is paused since ${paused.since}${paused.reason === null ? '' : ` (${paused.reason})`}, so nothing new flows`,
      `if that is over, run: npm run orders -- resume --only ${id.slice('orders-'.length)}`,
    );
}

const QUERY_TIMEOUT_MS = 3_000;

/** A worker that does not answer is told of by the queue’s line. */
async function pausedSince(client: Client, id: string): Promise<Pause | undefined> {
  const query = () => client.workflow.getHandle(id).query<{ paused: Pause | null }>('status');
  const answer = await client.withDeadline(Date.now() + QUERY_TIMEOUT_MS, query).catch(() => undefined);
  return answer?.paused ?? undefined;
}

export const isThisMachine = (host: string): boolean => host === hostname();
