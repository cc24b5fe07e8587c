import {
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { LandActivities } from '../activities/land';
import type { ClaimResult } from '../activities/land/claim-micro-batch';
import type { OpenLandingResult } from '../activities/land/open-landing';
import { offsetsAfter } from '../model/plan-ranges';
import { formatOffsets, formatRanges, spanOf, type OffsetRange, type Offsets } from '../model/ranges';
import type { Request } from '../model/requests';
import type { LandStatus } from '../model/status';
import { landDetails, summarizeManifest } from './land-details';
import { withError } from './last-error';
import { committed, furthest, opened, requested, type LandInput, type LandState } from './land-state';
import { statusQuery } from './messages';
import { decidePolicy, workPolicy } from './policies';
import { receiveRequests } from './requests';

/** Waits long by design: see LONGEST_CLAIM_MS in the activity. */
const { claimMicroBatch } = proxyActivities<LandActivities>(decidePolicy);
const { openLanding, resolveOffsets, landMicroBatch, commitMicroBatch } =
  proxyActivities<LandActivities>(workPolicy);

/**
 * Kafka to the lake: claim which offsets come next, land those, commit them to the ledger; for ever.
 *
 * The offsets and the ranges in work live in this workflow's history; messages never do.
 * Takes no input; a run that continues another carries the state.
 */
export async function landOrders(input: LandInput = {}): Promise<never> {
  let state: LandState | undefined = input.state;
  let phase: LandStatus['phase'] = 'starting';
  const enter = (next: LandStatus['phase']) => {
    phase = next;
    setCurrentDetails(landDetails(status()));
  };
  const status = (): LandStatus => ({
    workflow: 'landOrders',
    phase,
    sequence: state?.sequence ?? 0,
    nextOffsets: state?.next ?? null,
    startedFrom: state?.startedFrom ?? null,
    rows: state?.rows ?? { read: 0, landed: 0, duplicate: 0, quarantined: 0 },
    failures: state?.failures ?? {},
    files: state?.files ?? 0,
    lagOffsets: state?.lagOffsets ?? 0,
    newestCreatedAt: state?.newestCreatedAt ?? null,
    paused: state?.paused ?? null,
    resets: state?.resets ?? [],
    refusals: state?.refusals ?? [],
    lastError: state?.lastError ?? null,
    runs: state?.runs ?? 1,
    historyEvents: workflowInfo().historyLength,
  });
  setHandler(statusQuery('landOrders'), status);

  // They end a wait and are carried out between two batches, never within one.
  const requests = receiveRequests('resetOffsets');
  state ??= opened(await open());
  for (;;) {
    // A run of version 0.1.0 goes on under an epoch of its own.
    if (state.epoch === undefined && patched('epochs')) state = { ...state, epoch: (await open()).epoch };
    for (const request of requests.take()) state = requested(state, await resolved(request));
    if (requests.arrived()) continue;
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
      await continueAsNew<typeof landOrders>({ state: { ...state, runs: state.runs + 1 } });
    }
    enter(state.paused === null ? 'claiming' : 'paused');
    if (state.paused !== null) {
      await condition(requests.arrived);
      continue;
    }
    const claim = await claimFrom(state.next);
    if (claim === undefined) continue;
    state = withError({ ...state, lagOffsets: claim.lagOffsets }, 'claimMicroBatch', claim);
    if (claim.ranges.length > 0) state = await land(state, claim.ranges);
  }

  function open(): Promise<OpenLandingResult> {
    return openLanding.executeWithOptions({ summary: 'checks, and where to begin' }, []);
  }

  /** The next ranges, once there are any; `undefined` when a signal came first. */
  function claimFrom(next: Offsets): Promise<ClaimResult | undefined> {
    const summary = `from ${formatOffsets(next)}`;
    return requests.unlessAsked(() => claimMicroBatch.executeWithOptions({ summary }, [{ next }]));
  }

  /** Offsets that exist in place of those asked for, or a refusal that says why there are none. */
  async function resolved(request: Request): Promise<Request> {
    if (request.kind !== 'resetOffsets') return request;
    const { offsets, problem } = await resolveOffsets({ offsets: request.to });
    if (offsets !== undefined) return { ...request, to: offsets };
    return { kind: 'refused', signal: request.kind, problem: problem ?? 'the offsets do not exist' };
  }

  /** Carries ranges that history has fixed through to the end; nothing may come between. */
  async function land(from: LandState, ranges: OffsetRange[]): Promise<LandState> {
    const { epoch = 0 } = from; // 0 is of a replayed run of version 0.1.0 only
    const sequence = from.sequence + 1;
    const next = offsetsAfter(from.next, ranges);
    enter('landing');
    const manifest = await landMicroBatch.executeWithOptions(
      { summary: `#${sequence}: ${spanOf(ranges)} offsets, ${formatRanges(ranges)}` },
      [{ epoch, sequence, ranges, highWater: from.highWater, reached: from.reached }],
    );
    enter('committing');
    const done = await commitMicroBatch.executeWithOptions(
      { summary: `#${sequence}: ${summarizeManifest(manifest)}` },
      [
        {
          epoch,
          sequence,
          ranges,
          manifest,
          next,
          reached: furthest(from.reached, next),
          resets: from.resetsToRecord,
        },
      ],
    );
    return withError(
      withError(
        committed({ ...from, lagOffsets: from.lagOffsets - spanOf(ranges) }, sequence, next, manifest),
        'landMicroBatch',
        manifest,
      ),
      'commitMicroBatch',
      done,
    );
  }
}
