import {
  ApplicationFailure,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { describeReplay } from '../../domain/describe-status';
import { WORKFLOWS } from '../../domain/names';
import { cut } from '../../domain/bounded';
import { readInput, REPLAY_STATE } from '../../domain/inputs';
import { readReplayed, type Replayed, type ReplayInput } from '../../domain/replay';
import { remember } from '../../domain/requests';
import type { ReplayStatus } from '../../domain/status';
import { asMarkdown } from '../shared/details';
import { checkedInput } from '../shared/input';
import { selectBatches } from '../landing/activities';
import { replayBatchSignal, replayedSignal, statusQuery } from '../shared/messages';

/** A landing that is in the middle of a batch, or waits for a server, answers later; asking again does no harm. */
const ASK_AGAIN = '60 s';

/** What a run hands to the next. */
interface ReplayState {
  remaining: number[];
  status: ReplayStatus;
}

/**
 * Reprocesses batches of the ledger: those that failed, once the reason is gone, or others after a change of rules.
 *
 * `landOrders` does the work between two batches of its own, because a lake has one writer; so it has to run. Cancelling
 * stops after the batch in flight. Each batch is superseded whole or not at all.
 */
export async function replayBatches(
  ...args: [(ReplayInput & { state?: ReplayState })?, ...unknown[]]
): Promise<ReplayStatus> {
  let status: ReplayStatus = fresh({});
  const update = (change: Partial<ReplayStatus>) => {
    status = { ...status, ...change };
    setCurrentDetails(asMarkdown(describeReplay(status)));
  };
  let answered: Replayed | undefined;
  setHandler(statusQuery('replayBatches'), () => status);
  setHandler(replayedSignal, (replayed) => void (answered = readReplayed(replayed)));

  const { state, ...asked } = checkedInput('replayBatches', args, (all) =>
    readInput<NonNullable<(typeof args)[0]>>(
      all,
      ['batches', 'dates', 'dryRun', 'withdraw', 'reason'],
      REPLAY_STATE,
    ),
  );
  status = state?.status ?? fresh(asked);
  let remaining = state?.remaining;
  if (remaining === undefined) {
    update({ phase: 'selecting' });
    remaining = (await selectBatches.executeWithOptions({ summary: 'which batches' }, [asked])).batches;
    update({ batches: remaining.length });
  }
  update({ phase: 'replaying' });
  try {
    while (remaining.length > 0) {
      if (workflowInfo().continueAsNewSuggested)
        await continueAsNew<typeof replayBatches>({ ...asked, state: { remaining, status } });
      const [batch, ...others] = remaining as [number, ...number[]];
      update(counted(status, await landAgain(batch)));
      remaining = others;
    }
  } catch (error) {
    if (isCancellation(error)) update({ phase: 'cancelled' });
    throw error;
  }
  update({ phase: 'done' });
  return status;

  /** Asks the landing for one batch, and waits for the answer. */
  async function landAgain(batch: number): Promise<Replayed> {
    const { workflowId, firstExecutionRunId } = workflowInfo();
    const request = {
      id: `${firstExecutionRunId}/${batch}`,
      replyTo: workflowId,
      batch,
      dryRun: status.dryRun,
      withdraw: asked.withdraw === true ? true : undefined,
    };
    answered = undefined;
    for (;;) {
      await ask(request);
      if (await condition(() => answered?.batch === batch, ASK_AGAIN)) return answered!;
    }
  }
}

async function ask(request: {
  id: string;
  replyTo: string;
  batch: number;
  dryRun: boolean;
  withdraw?: boolean;
}): Promise<void> {
  const { id } = WORKFLOWS.landOrders;
  try {
    await getExternalWorkflowHandle(id).signal(replayBatchSignal, request);
  } catch (error) {
    if (isCancellation(error)) throw error;
    throw ApplicationFailure.nonRetryable(
      `Workflow ${id} does not run, and only it writes to the lake: start landOrders (it may be paused), then replay again.`,
      'LandingNotRunning',
    );
  }
}

function fresh({ dryRun = false, reason }: ReplayInput): ReplayStatus {
  return {
    workflow: 'replayBatches',
    phase: 'selecting',
    dryRun,
    reason: typeof reason === 'string' ? cut(reason) : null,
    batches: 0,
    replayed: 0,
    failed: 0,
    before: { landed: 0, quarantined: 0 },
    after: { landed: 0, quarantined: 0, duplicate: 0 },
    results: [],
  };
}

function counted(status: ReplayStatus, result: Replayed): Partial<ReplayStatus> {
  const results = remember(status.results, result);
  const { before, after } = result;
  if (before === undefined || after === undefined) return { results, failed: status.failed + 1 };
  return {
    results,
    replayed: status.replayed + 1,
    before: {
      landed: status.before.landed + before.landed,
      quarantined: status.before.quarantined + before.quarantined,
    },
    after: {
      landed: status.after.landed + after.landed,
      quarantined: status.after.quarantined + after.quarantined,
      duplicate: status.after.duplicate + after.duplicate,
    },
  };
}
