import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { ClaimResult } from '../../activities/landing/claim-micro-batch';
import type { OpenLandingInput, OpenLandingResult } from '../../activities/landing/open-landing';
import { freshnessOf } from '../../domain/freshness';
import { formatOffsets } from '../../domain/ranges';
import { LAND_STATE, readInput } from '../../domain/inputs';
import { remember, type Refusal } from '../../domain/requests';
import { figuresOf, noLanding, type LandStatus } from '../../domain/status';
import { claimMicroBatch, openLanding } from './activities';
import { landBatch } from './land-batch';
import { landDetails } from './details';
import { requested } from './requests';
import { caughtUp, claimed, knownLake, opened, searchable, type LandInput, type LandState } from './state';
import { withError } from '../shared/last-error';
import { unlessOwn } from '../shared/non-retryable-error';
import { statusQuery } from '../shared/messages';
import { checkedInput } from '../shared/input';
import { receiveRequests, withStrays, type Outcome } from '../shared/requests';
import { tell } from '../shared/search-attributes';
import { orNone } from '../../domain/or-none';

/**
 * Kafka to the lake: claim which offsets come next, land those, commit them to the ledger; indefinitely.
 * A batch that cannot be landed for a reason that no retry mends fails, and is reprocessed when `replayBatches` asks for it.
 *
 * The offsets and the ranges in flight live in this workflow's history; messages never do.
 * An operator gives no input, but for a lake that is to be taken as it is; a run that continues another carries the state.
 */
export async function landOrders(...args: [LandInput?, ...unknown[]]): Promise<never> {
  let state: LandState | undefined;
  let phase: LandStatus['phase'] = 'starting';
  const enter = (next: LandStatus['phase']) => {
    phase = next;
    setCurrentDetails(landDetails(status()));
  };
  const status = (): LandStatus => ({
    workflow: 'landOrders',
    phase,
    ...figuresOf(noLanding(), state),
    nextOffsets: state?.next ?? null,
    heldBy: orNone(state?.heldBy),
    damaged: orNone(state?.damaged),
    refusals: requests.strays().reduce(remember<Refusal>, state?.refusals ?? []),
    freshness: freshnessOf(state?.times),
    historyEvents: workflowInfo().historyLength,
  });
  // They end a wait and are processed between two batches, never within one.
  const requests = receiveRequests('resetOffsets');
  setHandler(statusQuery('landOrders'), status);

  const input = checkedInput<LandInput>('landOrders', args, (all) =>
    readInput(all, ['acceptLake'], LAND_STATE),
  );
  state = input.state ?? opened(await open({ acceptLake: input.acceptLake }));
  for (;;) {
    // A run of version 0.1.0 goes on under an epoch of its own.
    if (state.epoch === undefined && patched('epochs')) state = { ...state, epoch: (await open()).epoch };
    for (const { request, settle } of requests.take()) {
      if (request.kind === 'replayBatch') enter('replaying');
      let outcome: Outcome<LandState>;
      try {
        outcome = await requested(state, request);
      } catch (error) {
        outcome = await requested(await reopened(state, error), request);
      }
      state = outcome.state;
      settle(outcome.answer);
    }
    if (requests.arrived()) continue;
    state = withStrays(state, requests);
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
      await continueAsNew<typeof landOrders>({ state: { ...state, runs: state.runs + 1 } });
    }
    state = tell(state, searchable(state));
    enter(state.paused === null ? 'claiming' : 'paused');
    if (state.paused !== null) {
      await condition(patched('full-while-paused') ? requests.arrivedOrFull : requests.arrived);
      continue;
    }
    const claim = await claimFrom(state);
    if (claim === undefined) continue;
    state = withError(claimed(state, claim), 'claimMicroBatch', claim);
    if (claim.ranges.length === 0) continue;
    try {
      state = await landBatch(state, claim.ranges, enter);
    } catch (error) {
      state = await reopened(state, error);
    }
  }

  function open(input: OpenLandingInput = {}): Promise<OpenLandingResult> {
    const { firstExecutionRunId: firstRunId } = workflowInfo();
    const asked: OpenLandingInput = { ...input, unnamed: true, firstRunId };
    return openLanding.executeWithOptions({ summary: 'checks, and where to begin' }, [asked]);
  }

  /** The state of one that was reset to before what it has landed. */
  function reopened(from: LandState, conflict: unknown): Promise<LandState> {
    return unlessOwn(conflict, 'LandingConflict', async () => caughtUp(from, await open({ onlyOwn: true })));
  }

  /** The next ranges, once there are any; `undefined` when a signal came first. */
  function claimFrom(from: LandState): Promise<ClaimResult | undefined> {
    const { next, pipeline, topicId, damaged, heldBy, atMost } = from;
    const summary = `from ${formatOffsets(next)}`;
    const unnamed = pipeline === undefined ? true : undefined;
    return requests.unlessAsked(() =>
      claimMicroBatch.executeWithOptions({ summary }, [
        {
          next,
          topicId,
          atMost,
          unnamed,
          known: knownLake(from),
          damaged: orNone(damaged),
          heldBy: orNone(heldBy),
        },
      ]),
    );
  }
}
