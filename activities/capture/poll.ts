import { Context } from '@temporalio/activity';
import type { Window } from '../../model/ranges';
import type { Watermark } from '../../model/watermark';
import type { Hold, Horizon, OrdersSource } from '../interfaces';
import { pause } from '../pause';

export interface PollInput {
  after: Watermark;
  /** The hold that the workflow knows of, so that only a change of it ends the poll early. */
  heldBy: Hold | null;
}

export interface PollResult {
  /** Absent: nothing became readable, or only the hold changed. */
  window?: Window;
  rows: number;
  /** The window is as large as windows get, so there is likely more behind it. */
  more: boolean;
  /** The database's clock at the poll, UTC. */
  clock: string;
  heldBy: Hold | null;
}

/** Ends an idle poll, so that history shows a sign of life now and then: about 12 events an hour. */
const LONGEST_POLL_MS = 5 * 60_000;

/** Transactions shorter than this are ordinary; only older ones are worth telling. */
const WORTH_TELLING_MS = 5_000;

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
}) {
  return async function poll({ after, heldBy }: PollInput): Promise<PollResult> {
    const { cancellationSignal: signal } = Context.current();
    const deadline = Date.now() + LONGEST_POLL_MS;
    for (;;) {
      // The horizon first, the rows second: the other way round, a commit in between would be missed.
      const horizon = await deps.source.horizon();
      const hold = worthTelling(horizon);
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
        };
      }
      const over = Date.now() >= deadline || deps.stopping.aborted;
      if (over || hold?.who !== heldBy?.who)
        return { rows: 0, more: false, clock: horizon.clock, heldBy: hold };
      await pause(deps.intervalMs, signal);
    }
  };
}

function worthTelling({ heldBy, clock }: Horizon): Hold | null {
  if (heldBy === undefined) return null;
  return Date.parse(clock) - Date.parse(heldBy.since) >= WORTH_TELLING_MS ? heldBy : null;
}
