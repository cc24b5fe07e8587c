import { getExternalWorkflowHandle } from '@temporalio/workflow';
import type { LandAgainResult } from '../../activities/landing/land-again';
import { partitionsIn } from '../../domain/partition-marks';
import type { MergeAnswer, MergeRequest } from '../../domain/merge';
import type { Offsets } from '../../domain/ranges';
import type { Replayed } from '../../domain/replay';
import type { ReplayRequest, Request } from '../../domain/requests';
import { commitMerge, commitMicroBatch, landAgain, resolveOffsets } from './activities';
import { summarizeManifest } from './details';
import { knownLake, moved, placeBefore, superseded, withEntry, type LandState } from './state';
import { nonRetryableError } from '../shared/non-retryable-error';
import { mergedSignal, replayedSignal } from '../shared/messages';
import { governed, refused, type Outcome } from '../shared/requests';
import { orNone } from '../../domain/or-none';

/** Carries out what an operator, or `replayBatches`, asked for. */
export async function requested(state: LandState, request: Request): Promise<Outcome<LandState>> {
  switch (request.kind) {
    case 'resetOffsets':
      return reset(state, request.kind, request.to, request.reason);
    case 'undoReset': {
      const last = state.resets.at(-1);
      if (last === undefined) return refused(state, request.signal, 'there was no reset to undo');
      if (last.topicId !== undefined)
        return refused(
          state,
          request.signal,
          'the topic was recreated: the offsets before are of one that is gone',
        );
      const why = request.reason ?? `undo of the reset at ${last.at}`;
      return reset(state, request.signal, placeBefore(state, last), why);
    }
    case 'replayBatch':
      return { state: await replay(state, request), answer: { done: {} } };
    case 'mergeFiles':
      return { state: await mergeFiles(state, request), answer: { done: {} } };
    default:
      return governed(state, request);
  }
}

/** To offsets that exist, or a refusal that says why there are none. */
async function reset(
  state: LandState,
  signal: string,
  to: Offsets | 'earliest',
  reason: string | null,
): Promise<Outcome<LandState>> {
  const resolved = await resolveOffsets({ offsets: to, topicId: state.topicId });
  const { offsets, problem = 'the offsets do not exist' } = resolved;
  return offsets === undefined ? refused(state, signal, problem) : moved(state, offsets, reason, resolved);
}

/** Lands a batch of the ledger again. What cannot be done is the answer, and changes nothing. */
async function replay(state: LandState, request: ReplayRequest): Promise<LandState> {
  const { id, replyTo } = request;
  if (state.lastReplay?.id === id) {
    await answer(replyTo, state.lastReplay.replayed);
    return state;
  }
  const { after, replayed } = await landBatchAgain(state, request);
  await answer(replyTo, replayed);
  return { ...after, lastReplay: { id, replayed } };
}

async function landBatchAgain(
  state: LandState,
  { batch, dryRun, withdraw = false }: ReplayRequest,
): Promise<{ after: LandState; replayed: Replayed }> {
  const { epoch = 0, highWater, next, reached, resetsToRecord: resets, unlanded = [], damaged } = state;
  const { topicId, topicSince } = state;
  const sequence = state.sequence + 1;
  let again: LandAgainResult;
  try {
    again = await landAgain.executeWithOptions(
      {
        summary: `batch ${batch} ${withdraw ? 'withdrawn' : 'again'}, as #${sequence}${dryRun ? ', dry run' : ''}`,
      },
      [
        {
          epoch,
          sequence,
          batch,
          highWater,
          partitions: partitionsIn(next),
          dryRun,
          withdraw: withdraw ? true : undefined,
          damaged: orNone(damaged),
          topicId,
          topicSince,
          known: knownLake(state),
        },
      ],
    );
  } catch (error) {
    const { message } = nonRetryableError(error, ['BatchNotLandable', 'DataLoss', 'InvalidSettings']);
    return { after: state, replayed: { batch, error: message } };
  }
  const { ranges, before, manifest, withdrawn } = again;
  const { landed, quarantined, duplicate } = manifest.counts;
  const replayed = { batch, before, after: { landed, quarantined, duplicate } };
  if (dryRun) return { after: state, replayed };
  const done = await commitMicroBatch.executeWithOptions(
    { summary: `#${sequence}: batch ${batch} again, ${summarizeManifest(manifest)}` },
    [
      {
        epoch,
        sequence,
        ranges,
        manifest,
        next,
        reached,
        topicId,
        topicSince,
        resets,
        unlanded: unlanded.filter((number) => number !== batch),
        supersedes: batch,
        withdrawn,
        known: knownLake(state),
        previousHash: state.entryHash,
      },
    ],
  );
  const after = withEntry(superseded(state, { batch, sequence, before, manifest }), done);
  return { after, replayed };
}

/** Commits a merged file. What is out of date is the answer, and changes nothing; so is what was done already and asked for once more. */
async function mergeFiles(
  state: LandState,
  { id, replyTo, part, inputs, file }: MergeRequest,
): Promise<LandState> {
  if (state.lastMerge === id) {
    await answerMerge(replyTo, { id });
    return state;
  }
  const { epoch = 0, entryHash: previousHash } = state;
  const sequence = state.sequence + 1;
  const summary = `#${sequence}: ${inputs.length} files of ${file.path.split('/')[0]} become one`;
  const done = await commitMerge.executeWithOptions({ summary }, [
    { epoch, sequence, part, inputs, file, known: knownLake(state), previousHash },
  ]);
  await answerMerge(replyTo, { id, error: done.refused });
  return done.refused === undefined ? withEntry({ ...state, sequence, lastMerge: id }, done) : state;
}

async function answerMerge(workflowId: string, merged: MergeAnswer): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(mergedSignal, merged);
  } catch {
    // It does not run any more.
  }
}

/** The workflow that asked may have been cancelled since; what was done stays done. */
async function answer(workflowId: string, replayed: Replayed): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).signal(replayedSignal, replayed);
  } catch {
    // It does not run any more.
  }
}
