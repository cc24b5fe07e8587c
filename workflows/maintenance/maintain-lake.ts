import {
  allHandlersFinished,
  condition,
  continueAsNew,
  getExternalWorkflowHandle,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { MaintenanceActivities } from '../../activities/maintenance';
import type { CompactResult } from '../../activities/maintenance/compact-date';
import { cut } from '../../domain/bounded';
import { MAINTAIN_STATE, readInput } from '../../domain/inputs';
import { describeMaintenance, noMaintenance, type MaintainStatus } from '../../domain/maintenance';
import { readMergeAnswer, type Merge, type MergeAnswer } from '../../domain/merge';
import { WORKFLOWS } from '../../domain/names';
import { remember, type Refusal, type Request } from '../../domain/requests';
import { asMarkdown } from '../shared/details';
import { checkedInput } from '../shared/input';
import { mergedSignal, mergeFilesSignal, statusQuery } from '../shared/messages';
import { workPolicy } from '../shared/policies';
import { governed, now, receiveRequests, withStrays, type Outcome } from '../shared/requests';

/** It waits for minutes by design, and then merges as much as a target holds, which takes a minute on a slow core. */
const { compactDate } = proxyActivities<MaintenanceActivities>({
  ...workPolicy,
  startToCloseTimeout: '1 h',
});
const { checkpointLedger } = proxyActivities<MaintenanceActivities>(workPolicy);

/** A landing that is in the middle of a batch, or waits for a server, answers later; asking again does no harm. */
const ASK_AGAIN = '60 s';
/** How long to leave a landing that does not run. */
const NOT_RUNNING = '60 s';
/** A trickle makes some 5,000 entries in it, which opening reads besides the checkpoint; they are folded a thousand at a time. */
const CHECKPOINT_EVERY_MS = 900_000;

/** What a run hands to the next. */
type MaintainState = Omit<MaintainStatus, 'workflow' | 'phase' | 'historyEvents'>;

interface MaintainInput {
  state?: MaintainState;
}

/**
 * Keeps the lake in shape beside the landing, which needs none of it: merges small files of a date, keeps the ledger short. It reads the
 * lake and writes hidden files; what is to count it asks `landOrders` for, the ledger's only writer, between two batches.
 *
 * Nothing is lost when it is terminated at any moment, and a second one does no harm: a merge that is out of date is refused.
 */
export async function maintainLake(...args: [MaintainInput?, ...unknown[]]): Promise<never> {
  let state: MaintainState = noMaintenance();
  let phase: MaintainStatus['phase'] = 'waiting';
  let answered: MergeAnswer | undefined;
  const requests = receiveRequests('compact');
  const status = (): MaintainStatus => {
    const refusals = requests.strays().reduce(remember<Refusal>, state.refusals);
    const { historyLength: historyEvents } = workflowInfo();
    return { workflow: 'maintainLake', phase, ...state, refusals, historyEvents };
  };
  const enter = (next: MaintainStatus['phase']) => {
    phase = next;
    setCurrentDetails(asMarkdown(describeMaintenance(status())));
  };
  setHandler(statusQuery('maintainLake'), status);
  setHandler(mergedSignal, (answer) => void (answered = readMergeAnswer(answer) ?? answered));
  const input = checkedInput<MaintainInput>('maintainLake', args, (all) =>
    readInput(all, [], MAINTAIN_STATE),
  );
  state = input.state ?? state;

  for (;;) {
    for (const { request, settle } of requests.take()) {
      const outcome = requested(state, request);
      state = outcome.state;
      settle(outcome.answer);
    }
    state = withStrays(state, requests);
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished())
      await continueAsNew<typeof maintainLake>({ state: { ...state, runs: state.runs + 1 } });
    enter(state.paused === null ? 'waiting' : 'paused');
    if (state.paused !== null) {
      await condition(requests.arrivedOrFull);
      continue;
    }
    if (Date.now() - state.checkpointedAt >= CHECKPOINT_EVERY_MS) await checkpoint();
    const found = await requests.unlessAsked(compact);
    if (found === undefined) continue;
    if (found.merge === undefined) state = { ...state, asked: null };
    else await commit(found.merge, found.bytes ?? 0);
  }

  function compact(): Promise<CompactResult> {
    const { asked } = state;
    const summary = asked === null ? 'waits for files to merge' : 'as an operator asked';
    const which = asked === null ? {} : { asked: asked.dates === null ? {} : { dates: asked.dates } };
    return compactDate.executeWithOptions({ summary }, [which]);
  }

  async function checkpoint(): Promise<void> {
    const { checkpoint: at, blocked } = await checkpointLedger.executeWithOptions(
      { summary: 'checkpoint, segments' },
      [],
    );
    const problem = blocked[0] === undefined ? null : cut(blocked[0]);
    state = { ...state, checkpointedAt: Date.now(), checkpoint: at, problem };
  }

  /** Asks the landing for it, and waits for the answer: one merge at a time, whose inputs no other has. */
  async function commit({ part, inputs, file }: Merge, bytes: number): Promise<void> {
    enter('committing');
    const { workflowId, runId } = workflowInfo();
    const request = { id: `${runId}/${file.path}`, replyTo: workflowId, part, inputs, file };
    answered = undefined;
    for (;;) {
      if (!(await isAsked(request))) {
        state = {
          ...state,
          problem: `${WORKFLOWS.landOrders.id} does not run, and only it writes the ledger`,
        };
        enter('waiting');
        await condition(requests.arrived, NOT_RUNNING);
        return;
      }
      const isAnswered = () => answered?.id === request.id;
      if (await condition(isAnswered, ASK_AGAIN)) break;
    }
    const { error } = answered as unknown as MergeAnswer;
    if (error !== undefined) {
      state = { ...state, refused: state.refused + 1, problem: cut(error) };
      return;
    }
    const { merges, files, bytes: sum } = state;
    const last = {
      date: file.path.split('/')[0] ?? '',
      part,
      files: inputs.length,
      rows: file.rows,
      at: now(),
    };
    state = {
      ...state,
      ...{ last, problem: null, merges: merges + 1 },
      files: { before: files.before + inputs.length, after: files.after + 1 },
      bytes: { before: sum.before + bytes, after: sum.after + file.bytes },
    };
  }
}

function requested(state: MaintainState, request: Request): Outcome<MaintainState> {
  if (request.kind !== 'compact') return governed(state, request);
  const asked = { dates: request.dates, reason: request.reason, at: now() };
  return { state: { ...state, asked }, answer: { done: { asked } } };
}

/** `false` where the landing does not run. */
async function isAsked(request: { id: string; replyTo: string } & Merge): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(WORKFLOWS.landOrders.id).signal(mergeFilesSignal, request);
    return true;
  } catch (error) {
    if (isCancellation(error)) throw error;
    return false;
  }
}
