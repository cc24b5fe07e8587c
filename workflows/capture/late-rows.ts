/** The part of a capture's state that tells of rows which are not captured. */
import type { PollResult } from '../../activities/capture/poll';
import type { Gap } from '../../domain/gaps';
import {
  addMissed,
  joinUncounted,
  movedLateRows,
  NONE_MISSED,
  withPublished,
  type LateRows,
  type Missed,
  type Uncounted,
  type Watch,
} from '../../domain/missed';
import type { CaptureStatus } from '../../domain/status';
import type { Watermark } from '../../domain/watermark';
import { now } from '../shared/requests';
import { orNone } from '../../domain/or-none';

export interface LateState {
  /** For noticing rows that capture does not reach; absent before the first look. */
  watch?: Watch | null;
  /** Those that the watch has let go of. */
  missed?: Missed;
  /** When the first was noticed, ISO 8601. */
  missedSince?: string | undefined;
  /** Places passed over on purpose; absent where an earlier version began this workflow, and did not note them. */
  gaps?: Gap[] | undefined;
  uncounted?: Uncounted | undefined;
}

const UNKNOWN_BEGINNING =
  'an earlier version began this pipeline, and did not note what was missed or passed over until then';

/** The state of a workflow that begins, from what the record kept; `undefined` is a record of an earlier version. */
export function openedLate(late: LateRows | undefined): LateState {
  return late ?? {};
}

/** For the progress record, which has no room for what the next look finds anew. */
export function lateRowsOf(state: LateState): LateRows {
  const { watch, missed = NONE_MISSED, missedSince, gaps = [], uncounted } = state;
  return { watch: watch ? withoutNews(watch) : null, missed, missedSince, gaps, uncounted };
}

function withoutNews({ unreachable: _anew, failing: _over, ...watch }: Watch): Watch {
  return watch;
}

export function withDetected<S extends LateState>(state: S, { behind }: Pick<PollResult, 'behind'>): S {
  if (behind === undefined) return state;
  const { watch, settled, uncounted } = behind;
  const unknown: Uncounted | undefined =
    state.gaps === undefined ? { from: null, to: now(), why: UNKNOWN_BEGINNING } : state.uncounted;
  const next = {
    ...state,
    watch,
    missed: addMissed(state.missed ?? NONE_MISSED, settled),
    gaps: state.gaps ?? [],
    uncounted: joinUncounted(unknown, uncounted),
  };
  if (state.missedSince !== undefined || allMissed(next).backdated === 0) return next;
  return { ...next, missedSince: now() };
}

/** What a poll has to know of the watch: of what cannot be reached, only how much there was. */
export function watchForPoll({ watch = null }: LateState): Watch | null {
  if (watch?.unreachable === undefined) return watch;
  const counts = watch.unreachable.map(({ kind, rows }) => ({
    kind,
    rows,
    from: null,
    to: null,
    examples: [],
  }));
  return { ...watch, unreachable: counts };
}

function allMissed({ missed = NONE_MISSED, watch }: LateState): Missed {
  return addMissed(missed, watch?.found ?? NONE_MISSED);
}

export function publishedLate<S extends LateState>(state: S, rows: number): S {
  return state.watch ? { ...state, watch: withPublished(state.watch, rows) } : state;
}

/** The fields of `status`, each absent where there is nothing to tell. */
export function lateStatus(state: LateState): Pick<CaptureStatus, 'missed' | 'unreachable' | 'detection'> {
  const { missedSince, watch, uncounted } = state;
  const missed = allMissed(state);
  const { failing, fallingId } = watch ?? {};
  const isMissed = missedSince !== undefined && missed.backdated > 0;
  return {
    missed: isMissed ? { ...missed, since: missedSince } : undefined,
    unreachable: orNone(watch?.unreachable),
    detection: (failing ?? fallingId ?? uncounted) ? { failing, fallingId, uncounted } : undefined,
  };
}

/** After a reset. */
export function movedLate<S extends LateState>(
  state: S,
  move: { from: Watermark; to: Watermark; at: string },
): S {
  const moved = movedLateRows(
    {
      watch: state.watch ?? null,
      missed: state.missed ?? NONE_MISSED,
      missedSince: state.missedSince,
      gaps: state.gaps ?? [],
    },
    { ...move, because: 'reset', detail: `reset at ${move.at}` },
  );
  return { ...state, ...moved, gaps: state.gaps === undefined ? undefined : moved.gaps };
}
