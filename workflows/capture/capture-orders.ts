import {
  ApplicationFailure,
  allHandlersFinished,
  condition,
  continueAsNew,
  patched,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { CaptureActivities } from '../../activities/capture';
import type { PollResult } from '../../activities/capture/poll';
import type { PublishResult } from '../../activities/capture/publish';
import { freshnessOf } from '../../domain/freshness';
import type { Window } from '../../domain/ranges';
import { remember, type Refusal } from '../../domain/requests';
import { figuresOf, noCapture, type CaptureStatus } from '../../domain/status';
import { describeWatermark, formatWatermark, watermarkFrom, type Watermark } from '../../domain/watermark';
import { captureDetails, summarize } from './details';
import {
  advanced,
  caughtUp,
  opened,
  polled,
  requested,
  searchable,
  sinceLast,
  timed,
  readCaptureInput,
  warningsOf,
  type CaptureInput,
  type CaptureState,
} from './state';
import { lateStatus, watchForPoll } from './late-rows';
import { withError } from '../shared/last-error';
import { unlessOwn } from '../shared/non-retryable-error';
import { statusQuery } from '../shared/messages';
import { decidePolicy, workPolicy } from '../shared/policies';
import { checkedInput } from '../shared/input';
import { receiveRequests, withStrays } from '../shared/requests';
import { tell } from '../shared/search-attributes';

/** Waits long by design: see LONGEST_POLL_MS in the activity. */
const { poll } = proxyActivities<CaptureActivities>(decidePolicy);
const { openCapture, publish, advanceWatermark, renewProgress } =
  proxyActivities<CaptureActivities>(workPolicy);

/** A seventh of the time after which Kafka, by its default, forgets a record that nobody writes again. */
const RENEW_AFTER_MS = 24 * 60 * 60_000;

/**
 * PostgreSQL to Kafka: poll which rows come next, publish those, advance the watermark; indefinitely.
 *
 * The watermark and the window in flight live in this workflow's history; rows never do.
 * Input is optional; a run that continues another carries the state.
 */
export async function captureOrders(...args: [CaptureInput?, ...unknown[]]): Promise<never> {
  let state: CaptureState | undefined;
  let phase: CaptureStatus['phase'] = 'starting';
  const enter = (next: CaptureStatus['phase']) => {
    phase = next;
    setCurrentDetails(captureDetails(status()));
  };
  const status = (): CaptureStatus => ({
    workflow: 'captureOrders',
    phase,
    ...figuresOf(noCapture(), state),
    ...lateStatus(state ?? {}),
    refusals: requests.strays().reduce(remember<Refusal>, state?.refusals ?? []),
    warnings: state === undefined ? [] : warningsOf(state),
    freshness: freshnessOf(state?.times),
    historyEvents: workflowInfo().historyLength,
  });
  // They end a wait and are processed between two batches, never within one.
  const requests = receiveRequests('resetWatermark');
  setHandler(statusQuery('captureOrders'), status);

  const { firstExecutionRunId: firstRunId } = workflowInfo();
  const input = checkedInput('captureOrders', args, readCaptureInput);
  ({ state } = input);
  state ??= opened(
    await openCapture.executeWithOptions({ summary: 'checks, and where to begin' }, [
      { ...startOf(input), unnamed: true },
    ]),
  );
  for (;;) {
    for (const { request, settle } of requests.take()) {
      const outcome = requested(state, request);
      state = outcome.state;
      settle(outcome.answer);
    }
    state = withStrays(state, requests);
    if (workflowInfo().continueAsNewSuggested && allHandlersFinished()) {
      await continueAsNew<typeof captureOrders>({ state: { ...state, runs: state.runs + 1 } });
    }
    state = await renewed(state);
    state = tell(state, searchable(state));
    enter(state.paused === null ? 'polling' : 'paused');
    if (state.paused !== null) {
      await untilAsked(state);
      continue;
    }
    const found = await pollAfter(state);
    if (found === undefined) continue;
    state = withError(polled(state, found), 'poll', found);
    if (found.window !== undefined) state = await capture(state, found, found.window);
  }

  /** The next window, once there is one; `undefined` when a signal came first. */
  function pollAfter(from: CaptureState): Promise<PollResult | undefined> {
    const { watermark: after, heldBy, gaps = [], pipeline, sourceId } = from;
    const summary = `after ${describeWatermark(after)}`;
    const unnamed = pipeline === undefined ? true : undefined;
    return requests.unlessAsked(() =>
      poll.executeWithOptions({ summary }, [
        { after, heldBy, watch: watchForPoll(from), gaps, sourceId, unnamed },
      ]),
    );
  }

  /** While paused: until a request comes, the record is to be renewed, or history is full. */
  async function untilAsked({ sequence, recordedAt = 0 }: CaptureState): Promise<void> {
    const over = patched('full-while-paused') ? requests.arrivedOrFull : requests.arrived;
    if (sequence > 0 && patched('renew-progress')) {
      await condition(over, recordedAt + RENEW_AFTER_MS - Date.now());
    } else await condition(over);
  }

  /** The state of one that was reset to before what it has published. */
  function reopened(from: CaptureState, conflict: unknown): Promise<CaptureState> {
    const { sequence, watermark, afterReset } = from;
    const startFrom = afterReset === true ? watermark : undefined;
    return unlessOwn(conflict, 'CaptureConflict', async () =>
      caughtUp(
        from,
        await openCapture.executeWithOptions({ summary: 'where it stands, after a reset' }, [
          { startFrom, behind: { sequence, firstRunId } },
        ]),
      ),
    );
  }

  /** Keeps the record alive in Kafka while there is nothing to publish. One whose age is not known counts as old. */
  async function renewed(from: CaptureState): Promise<CaptureState> {
    const { sequence, recordedAt = 0 } = from;
    const due = sequence > 0 && Date.now() - recordedAt >= RENEW_AFTER_MS;
    if (!due || !patched('renew-progress')) return from;
    try {
      const done = await renewProgress.executeWithOptions({ summary: `#${sequence}` }, [{ sequence }]);
      return withError({ ...from, recordedAt: Date.now() }, 'renewProgress', done);
    } catch (error) {
      return reopened(from, error);
    }
  }

  /** Carries a window that history has fixed through to the end; nothing may come between. */
  async function capture(from: CaptureState, found: PollResult, window: Window): Promise<CaptureState> {
    const sequence = from.sequence + 1;
    enter('publishing');
    const begin = Date.now();
    let published: PublishResult;
    try {
      published = await publish.executeWithOptions({ summary: summarize(sequence, found.rows, window) }, [
        { sequence, ...window, ...sinceLast(from), firstRunId },
      ]);
    } catch (error) {
      return reopened(from, error);
    }
    const publishMs = Date.now() - begin;
    enter('advancing');
    const confirmed = await advanceWatermark.executeWithOptions(
      { summary: `to ${formatWatermark(window.upper)}` },
      [{ sequence, ...window }],
    );
    const next = timed(advanced(from, { ...published, sequence, watermark: window.upper }), found, publishMs);
    return withError(withError(next, 'publish', published), 'advanceWatermark', confirmed);
  }
}

function startOf({ startFrom }: CaptureInput): { startFrom?: Watermark } {
  if (startFrom === undefined) return {};
  try {
    return { startFrom: watermarkFrom(startFrom) };
  } catch (error) {
    throw ApplicationFailure.nonRetryable(
      `Input of captureOrders: startFrom: ${(error as Error).message}`,
      'InvalidSettings',
    );
  }
}
