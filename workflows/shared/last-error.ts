import type { LastError, Recovery } from '../../domain/status';
import { now } from './requests';

/** Notes in the state that an activity had to be tried again, if its result says so. */
export function withError<S extends { lastError: LastError | null }>(
  state: S,
  activity: string,
  result: object,
): S {
  const { recovered } = result as { recovered?: Recovery };
  if (recovered === undefined) return state;
  const lastError = { activity, ...recovered, at: now() };
  return { ...state, lastError };
}
