import { Context } from '@temporalio/activity';
import { addMissed, countMissed, NONE_MISSED, type Missed, type Watch } from '../../model/missed';
import type { Window } from '../../model/ranges';
import type { Watermark } from '../../model/watermark';
import type { Hold, Horizon, OrdersSource } from '../interfaces';
import type { Named, Unnamed } from '../name-pipeline';
import { pause } from '../pause';
import { lookBehind } from './look-behind';

export interface PollInput extends Unnamed {
  after: Watermark;
  /** The hold that the workflow knows of, so that only a change of it ends the poll early. */
  heldBy: Hold | null;
  /** What the last look behind left, and the rows published since; absent where there was none. */
  watch?: Watch | null;
}

export interface PollResult extends Named {
  /** Absent: nothing became readable, or only the hold changed. */
  window?: Window;
  rows: number;
  /** The window is as large as windows get, so there is likely more behind it. */
  more: boolean;
  /** The database's clock at the poll, UTC. */
  clock: string;
  heldBy: Hold | null;
  /** Where this poll looked behind: the watch to go on with, and missed rows to add to those known. */
  behind?: { watch: Watch | null; settled: Missed };
}

/** Ends an idle poll, so that history shows a sign of life now and then: about 12 events an hour. */
const LONGEST_POLL_MS = 5 * 60_000;

/** Transactions shorter than this are ordinary; only older ones are worth telling. */
const WORTH_TELLING_MS = 5_000;

/** How often to look for rows that were missed: some milliseconds each time, more while there is a backlog. */
const LOOK_BEHIND_EVERY_MS = 10_000;

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
  /** Shorter in tests. */
  lookBehindEveryMs?: number;
}) {
  const { lookBehindEveryMs = LOOK_BEHIND_EVERY_MS } = deps;
  return async function poll({ after, heldBy, watch = null }: PollInput): Promise<PollResult> {
    const { cancellationSignal: signal } = Context.current();
    const deadline = Date.now() + LONGEST_POLL_MS;
    let behind: PollResult['behind'];
    let current = watch;
    for (;;) {
      // The horizon first, the rows second: the other way round, a commit in between would be missed.
      const horizon = await deps.source.horizon();
      const hold = worthTelling(horizon);
      if (isDue(current, horizon.clock, lookBehindEveryMs)) {
        const look = await lookBehind(deps.source, { watch: current, after, horizon });
        if (current !== null || look.watch !== null)
          behind = { ...look, settled: addMissed(behind?.settled ?? NONE_MISSED, look.settled) };
        current = look.watch;
      }
      const looked = behind === undefined ? {} : { behind };
      const found =
        horizon.before === undefined
          ? undefined
          : await deps.source.nextWindow({ after, before: horizon.before, limit: deps.batchLimit });
      if (found !== undefined) {
        return {
          window: { lower: after, upper: found.upper },
          rows: found.rows,
          more: found.rows >= deps.batchLimit,
          clock: horizon.clock,
          heldBy: hold,
          ...looked,
        };
      }
      const over = Date.now() >= deadline || deps.stopping.aborted;
      if (over || hold?.who !== heldBy?.who || isNews(behind, watch))
        return { rows: 0, more: false, clock: horizon.clock, heldBy: hold, ...looked };
      await pause(deps.intervalMs, signal);
    }
  };
}

function isDue(watch: Watch | null, clock: string, everyMs: number): boolean {
  return watch === null || Date.parse(clock) - Date.parse(watch.lookedAt) >= everyMs;
}

function isNews(behind: PollResult['behind'], known: Watch | null): boolean {
  if (behind === undefined) return false;
  const found = addMissed(behind.settled, behind.watch?.found ?? NONE_MISSED);
  return countMissed(found) !== countMissed(known?.found ?? NONE_MISSED);
}

function worthTelling({ heldBy, clock }: Horizon): Hold | null {
  if (heldBy === undefined) return null;
  return Date.parse(clock) - Date.parse(heldBy.since) >= WORTH_TELLING_MS ? heldBy : null;
}
