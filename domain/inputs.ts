import { shown } from './bounded';
import { fieldsOf, only, refuseUndecoded } from './requests';

/** Field to a test of its value; each may be absent. */
type Shape = Record<string, (value: unknown) => boolean>;

/**
 * Reads what a workflow was started with: nothing, or one object of these fields. `state` is what a run hands to the next.
 *
 * @throws RangeError that says what is wrong, and which field may have been meant.
 */
export function readInput<T extends object>(
  args: readonly unknown[],
  allowed: readonly string[],
  state: Shape = {},
): T {
  if (args.length > 1) throw new RangeError(`one object is allowed, not ${args.length} arguments`);
  const [input = {}] = args;
  refuseUndecoded(input);
  const fields = fieldsOf(input);
  const handedOver = Object.keys(state).length > 0 && fields['state'] !== undefined;
  only(fields, handedOver ? [...allowed, 'state'] : allowed);
  if (handedOver) checkState(fields['state'], state);
  return fields as T;
}

function checkState(state: unknown, shape: Shape): void {
  const fields = typeof state === 'object' && state !== null ? (state as Record<string, unknown>) : {};
  const wrong = Object.entries(shape).find(([name, fits]) => !fits(fields[name]));
  if (wrong === undefined) return;
  const [name] = wrong;
  throw new RangeError(
    `state.${name} is ${shown(fields[name])}: only a run that continues as new gives a state; leave it out`,
  );
}

const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isOffsets = (value: unknown): boolean =>
  isObject(value) &&
  Object.values(value as object).every((offset) => typeof offset === 'string' && /^\d+$/.test(offset));

/** What the state of each workflow has had since version 0.1.0. */
export const CAPTURE_STATE: Shape = {
  sequence: isCount,
  watermark: (value) =>
    isObject(value) &&
    ['createdAt', 'orderId'].every((name) => typeof (value as Record<string, unknown>)[name] === 'string'),
  rows: isCount,
  resets: Array.isArray,
  refusals: Array.isArray,
  warnings: Array.isArray,
  runs: isCount,
};

export const LAND_STATE: Shape = {
  sequence: isCount,
  next: isOffsets,
  reached: isOffsets,
  highWater: isObject,
  rows: isObject,
  failures: isObject,
  resets: Array.isArray,
  resetsToRecord: Array.isArray,
  refusals: Array.isArray,
  runs: isCount,
};

export const MAINTAIN_STATE: Shape = { merges: isCount, files: isObject, bytes: isObject, runs: isCount };

export const REPLAY_STATE: Shape = { remaining: Array.isArray, status: isObject };

/** Input of `verifyPipeline`: two timestamps, each of which may be absent. */
export function readCompareInput(args: readonly unknown[]): { from?: string; to?: string } {
  const input = readInput<{ from?: string; to?: string }>(args, ['from', 'to']);
  for (const [name, value] of Object.entries(input) as [string, unknown][])
    if (typeof value !== 'string')
      throw new RangeError(`${name} is ${shown(value)}, not a timestamp such as "2025-11-18T00:00:00Z"`);
  return input;
}
