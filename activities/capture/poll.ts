import { setTimeout as sleep } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Gap } from '../../domain/gaps';
import { addMissed, joinUncounted, NONE_MISSED, type Watch } from '../../domain/missed';
import type { Window } from '../../domain/ranges';
import { sameCounts } from '../../domain/unreachable';
import { secondsOf, type Watermark } from '../../domain/watermark';
import { HOLD_KINDS, TableLocked, type Hold } from '../../domain/hold';
import { NO_METRICS, type Horizon, type Inspection, type Metrics, type OrdersSource } from '../../ports';
import type { Named, Unnamed } from '../name-pipeline';
import { isDue, detectLateRows, type Look } from './detect-late-rows';

export interface PollInput extends Unnamed {
  after: Watermark;
  /** The hold that the workflow knows of, so that only a change of it ends the poll early. */
  heldBy: Hold | null;
  /** What the last detection of late rows left, and the rows published since; absent where there was none. */
  watch?: Watch | null;
  /** Where capture passed over rows on purpose; absent from a workflow of an earlier version. */
  gaps?: Gap[];
  /** The source that this capture has read; absent before its first look, and after a reset. */
  sourceId?: string;
}

export interface PollResult extends Named {
  /** Absent: nothing became readable, or only the hold changed. */
  window?: Window;
  rows: number;
  /** The window is as large as windows get, so there is likely more behind it. */
  more: boolean;
  /** The database's clock at the poll, UTC. */
  clock: string;
  /** created_at of the window's first row, UTC, and for how long somebody kept that row back. */
  oldest?: string;
  heldSeconds?: number;
  heldBy: Hold | null;
  /** Where this poll looked behind: the watch to go on with, and missed rows to add to those known. */
  behind?: Look;
  /** The source that was looked at, and, where all of it was looked at, what is worth a warning now. */
  sourceId?: string;
  warnings?: string[];
}

/** The inspection whose warnings the workflow has been told by this process; a publish may have made another one since. */
export interface Told {
  inspection?: Inspection | undefined;
}

/** Ends an idle poll, so that history shows a sign of life now and then: about 12 events an hour. */
const LONGEST_POLL_MS = 5 * 60_000;

/** Transactions shorter than this are ordinary; only older ones are worth telling. */
const WORTH_REPORTING_MS = 5_000;

/** How often to look for rows that are not captured: some milliseconds each time, more while there is a backlog. */
const DETECT_EVERY_MS = 10_000;

/**
 * Decides which rows make up the next window, waiting until there are any.
 *
 * Reads only, so it is idempotent without a key; several at once do no harm. What it returns becomes a fact by
 * standing in workflow history, not by anything done here. If it dies, before or after its answer, the next
 * attempt decides anew.
 */
export function createPoll(deps: {
  source: OrdersSource;
  batchLimit: number;
  intervalMs: number;
  stopping: AbortSignal;
  /** Default: whatever the source has inspected before the first poll was told by others. */
  told?: Told;
  /** Shorter in tests. */
  detectEveryMs?: number;
  metrics?: Metrics | undefined;
}) {
  const { detectEveryMs = DETECT_EVERY_MS, metrics = NO_METRICS } = deps;
  let { told } = deps;
  // Of polls before this one, too: the one that tells of the end of a hold need not find its rows.
  let blocked: Blocked | undefined;
  return async function poll(input: PollInput): Promise<PollResult> {
    const { after, heldBy, watch = null, gaps = [], sourceId } = input;
    const { cancellationSignal: signal, info } = Context.current();
    told ??= { inspection: deps.source.inspected() };
    // What an attempt that failed was about to tell is not known to the workflow.
    const known = info.attempt === 1 ? told.inspection : undefined;
    const deadline = Date.now() + LONGEST_POLL_MS;
    let behind: PollResult['behind'];
    let current = watch;
    for (;;) {
      // The horizon first, the rows second: the other way round, a commit in between would be missed.
      const horizon = await deps.source.horizon();
      const atHorizon = deps.source.inspected();
      let hold = worthReporting(horizon);
      if (isDue(current, horizon.clock, detectEveryMs)) {
        const idAgeMs = detectEveryMs;
        const look = await detectLateRows(deps.source, {
          watch: current,
          after,
          horizon,
          gaps,
          idAgeMs,
          sourceId,
        });
        behind = joined(behind, look);
        current = look.watch;
      }
      const looked = behind === undefined ? {} : { behind };
      for (const kind of HOLD_KINDS)
        metrics.set('orders_capture_blocked_seconds', kind === hold?.kind ? ageOf(hold, horizon) : 0, {
          kind,
        });
      const found =
        horizon.before === undefined
          ? undefined
          : await deps.source
              .nextWindow({ after, before: horizon.before, limit: deps.batchLimit, sourceId })
              .catch((error: unknown) => {
                if (!(error instanceof TableLocked)) throw error;
                hold = error.hold;
                metrics.set('orders_capture_blocked_seconds', ageOf(hold, horizon), { kind: hold.kind });
                return undefined;
              });
      // An empty look behind a lock, or without a horizon, says nothing.
      const through = found === undefined && hold?.kind !== 'table lock' ? horizon.before : after.createdAt;
      if (through !== undefined) metrics.set('orders_captured_through_timestamp_seconds', secondsOf(through));
      const inspected = deps.source.inspected();
      const seen = seenOf(inspected, known);
      // With another default of created_at, say, the horizon would be another one.
      if (found !== undefined && inspected === atHorizon) {
        told.inspection = inspected;
        return {
          window: { lower: after, upper: found.upper },
          rows: found.rows,
          more: found.rows >= deps.batchLimit,
          clock: horizon.clock,
          oldest: found.oldest,
          heldSeconds: heldFor(found.oldest, blocked),
          heldBy: hold,
          ...looked,
          ...seen,
        };
      }
      if (horizon.heldBy !== undefined || hold !== null)
        blocked = { clock: horizon.clock, through: through ?? after.createdAt };
      // After errors it answers at once, so that whoever waits for their end hears of it.
      const over = Date.now() >= deadline || deps.stopping.aborted || info.attempt > 1;
      const changed =
        seen.warnings !== undefined || (seen.sourceId !== undefined && seen.sourceId !== sourceId);
      if (over || hold?.who !== heldBy?.who || isNews(behind, watch) || changed) {
        told.inspection = inspected;
        return { rows: 0, more: false, clock: horizon.clock, heldBy: hold, ...looked, ...seen };
      }
      await sleep(deps.intervalMs, undefined, { signal });
    }
  };
}

function seenOf(now: Inspection | undefined, before: Inspection | undefined) {
  return { sourceId: now?.sourceId, warnings: now === before ? undefined : now?.warnings };
}

function joined(before: Look | undefined, look: Look): Look {
  const uncounted = joinUncounted(before?.uncounted, look.uncounted);
  const settled = addMissed(before?.settled ?? NONE_MISSED, look.settled);
  return { watch: look.watch, settled, uncounted };
}

function isNews(behind: Look | undefined, known: Watch | null): boolean {
  if (behind === undefined) return false;
  const { watch, settled, uncounted } = behind;
  return (
    uncounted !== undefined ||
    addMissed(settled, watch?.found ?? NONE_MISSED).backdated !== (known?.found.backdated ?? 0) ||
    !sameCounts(watch?.unreachable ?? [], known?.unreachable ?? []) ||
    (watch?.failing === undefined) !== (known?.failing === undefined) ||
    watch?.fallingId?.orderId !== known?.fallingId?.orderId
  );
}

function ageOf(hold: Hold, { clock }: Horizon): number {
  return Math.max(0, secondsOf(clock) - secondsOf(hold.since));
}

/** The last look at which somebody kept rows back: those after a moment. */
interface Blocked {
  clock: string;
  through: string;
}

/** In seconds, for how long a row was kept back at the last look that was blocked, if it was. */
function heldFor(createdAt: string, blocked: Blocked | undefined): number | undefined {
  if (blocked === undefined || createdAt < blocked.through || createdAt > blocked.clock) return undefined;
  return secondsOf(blocked.clock) - secondsOf(createdAt);
}

function worthReporting({ heldBy, clock }: Horizon): Hold | null {
  if (heldBy === undefined) return null;
  return Date.parse(clock) - Date.parse(heldBy.since) >= WORTH_REPORTING_MS ? heldBy : null;
}
