import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import { msToNumber, type Duration } from '@temporalio/common/lib/time';
import { registerSearchAttributes } from '../adapters/temporal/search-attributes';
import { NonRetryableError } from '../domain/errors';
import { VERIFY } from '../domain/names';
import { withClient } from './client';

/** `npm run orders -- setup`: prepares a Temporal namespace; what is there already stays as it is. */
export async function setup({ verifyEvery }: { verifyEvery?: string }): Promise<void> {
  const every = verifyEvery === undefined ? undefined : milliseconds(verifyEvery);
  await withClient(async (client) => {
    console.log(await setUpSearchAttributes(client));
    if (every !== undefined) console.log(await scheduleVerify(client, every));
  });
}

const SHORTEST_MS = 60_000;

function milliseconds(text: string): number {
  let every = NaN;
  try {
    every = msToNumber(text as Duration);
  } catch {
    // Told below, with an example.
  }
  if (!(every >= SHORTEST_MS))
    throw new Error(`--verify-every ${text}: give a time of a minute or more, such as 30m, 1h or 1d.`);
  return every;
}

/** The schedule, or the one there is with this interval. A comparison that takes longer is not overtaken by the next. */
async function scheduleVerify(client: Client, every: number): Promise<string> {
  const { id, type, taskQueue } = VERIFY;
  const spec = { intervals: [{ every }] };
  const told = `schedule ${id}: ${type} every ${every / 60_000} min`;
  try {
    await client.schedule.create({
      scheduleId: id,
      spec,
      action: { type: 'startWorkflow', workflowType: type, workflowId: id, taskQueue },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 min' },
    });
    return `${told}, made now`;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
  await client.schedule.getHandle(id).update((present) => ({ ...present, spec }));
  return `${told}, as it was or with this new interval`;
}

async function setUpSearchAttributes(client: Client): Promise<string> {
  const { namespace } = client.options;
  let added: string[];
  try {
    added = await registerSearchAttributes(client.connection, namespace);
  } catch (error) {
    if (error instanceof NonRetryableError) throw error;
    throw new Error(
      `Search attributes could not be registered in namespace ${namespace}: ${(error as Error).message}. Does it exist ` +
        `(temporal operator namespace create -n ${namespace}), and may this user register them? In Temporal Cloud they are ` +
        'registered by the account (tcld, Terraform or the Web UI). Without them the workflows run, but cannot be found by them.',
      { cause: error },
    );
  }
  return added.length === 0
    ? `search attributes: all registered already in namespace ${namespace}`
    : `search attributes: registered ${added.join(', ')} in namespace ${namespace}; running workflows set them within minutes`;
}
