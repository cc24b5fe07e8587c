import {
  allHandlersFinished,
  condition,
  continueAsNew,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { LandActivities } from '../activities/land';
import { offsetsAfter } from '../model/plan-ranges';
import { formatRanges, spanOf, type OffsetRange } from '../model/ranges';
import type { LandStatus } from '../model/status';
import { landDetails, summarizeManifest } from './land-details';
import { withError } from './last-error';
import { committed, opened, type LandInput, type LandState } from './land-state';
import { statusQuery } from './messages';
import { decidePolicy, workPolicy } from './policies';

/** Waits long by design: see LONGEST_CLAIM_MS in the activity. */
const { claimMicroBatch } = proxyActivities<LandActivities>(decidePolicy);
const { openLanding, landMicroBatch, commitMicroBatch } = proxyActivities<LandActivities>(workPolicy);

/**
 * Kafka to the lake: claim which offsets come next, land those, commit them to the ledger; for ever.
 *
 * The offsets and the ranges in work live in this workflow's history; messages never do.
 * Takes no input; a run that continues another carries the state.
 */
export async function landOrders(input: LandInput = {}): Promise<never> {
  let state: LandState | undefined = input.state;
  let phase: LandStatus['phase'] = 'starting';
  const show = () => setCurrentDetails(landDetails(status()));
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
    lastError: state?.lastError ?? null,
    runs: state?.runs ?? 1,
    historyEvents: workflowInfo().historyLength,
  });
  setHandler(statusQuery('landOrders'), status);

  state ??= opened(await openLanding());
  for (;;) {
    phase = 'claiming';
    show();
    const claim = await claimMicroBatch.executeWithOptions(
      {
        ...decidePolicy,
        summary: `from ${Object.entries(state.next)
          .map(([p, o]) => `${p}: ${o}`)
          .join(', ')}`,
      },
      [{ next: state.next }],
    );
    state = withError({ ...state, lagOffsets: claim.lagOffsets }, 'claimMicroBatch', claim);
    if (claim.ranges.length > 0) state = await land(state, claim.ranges);

    if (workflowInfo().continueAsNewSuggested) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof landOrders>({ state: { ...state, runs: state.runs + 1 } });
    }
  }

  /** Carries ranges that history has fixed through to the end; nothing may come between. */
  async function land(from: LandState, ranges: OffsetRange[]): Promise<LandState> {
    const sequence = from.sequence + 1;
    const next = offsetsAfter(from.next, ranges);
    phase = 'landing';
    const manifest = await landMicroBatch.executeWithOptions(
      { summary: `#${sequence}: ${spanOf(ranges)} offsets, ${formatRanges(ranges)}` },
      [{ sequence, ranges, highWater: from.highWater }],
    );
    phase = 'committing';
    const done = await commitMicroBatch.executeWithOptions(
      { summary: `#${sequence}: ${summarizeManifest(manifest)}` },
      [{ sequence, ranges, manifest, next }],
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
