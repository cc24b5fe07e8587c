import { shown } from './bounded';
import { only, reasonOf, fieldsOf } from './requests';

/** Which batches `replayBatches` is to reprocess. */
export type Selection =
  | { kind: 'failed' }
  | { kind: 'list'; batches: number[] }
  | { kind: 'range'; from: number; to: number }
  | { kind: 'dates'; from: string; to: string };

/** Input of `replayBatches` as an operator writes it. */
export interface ReplayInput {
  /** `"failed"`: those that failed; a list of numbers; or a range of numbers, both included. */
  batches?: 'failed' | number[] | { from: number; to: number };
  /** Instead of `batches`: all that have files of these dates (UTC, both included). */
  dates?: { from: string; to: string };
  /** Only counts. */
  dryRun?: boolean;
  /**
   * For batches whose messages are gone from Kafka: keep what is whole of their files, give up the damaged and missing ones.
   */
  withdraw?: boolean;
  reason?: string;
}

/** What became of one batch. */
export interface Replayed {
  batch: number;
  before?: { landed: number; quarantined: number };
  after?: { landed: number; quarantined: number; duplicate: number };
  /** Why it was not reprocessed; nothing has changed then. */
  error?: string;
}

const EXAMPLE =
  '{"batches":"failed"}, {"batches":[3,5]}, {"batches":{"from":3,"to":9}} or {"dates":{"from":"2025-11-18","to":"2025-11-19"}}';

/** Temporal takes 2 MB a payload, and the list stands in history. */
export const MOST_BATCHES = 100_000;

/** What `landOrders` answers; `undefined` for what somebody else signalled. */
export function readReplayed(payload: unknown): Replayed | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { batch, before, after, error } = payload as Record<string, unknown>;
  const counts = (value: unknown, names: readonly string[]) =>
    typeof value === 'object' &&
    value !== null &&
    names.every((name) => Number.isSafeInteger((value as Record<string, unknown>)[name]));
  const fits =
    typeof error === 'string' ||
    (counts(before, ['landed', 'quarantined']) && counts(after, ['landed', 'quarantined', 'duplicate']));
  return isNumber(batch) && fits ? (payload as Replayed) : undefined;
}

/** Reads {@link ReplayInput}; throws a RangeError that says what is wrong. */
export function readSelection(input: unknown): Selection {
  const fields = fieldsOf(input ?? {});
  only(fields, ['batches', 'dates', 'dryRun', 'withdraw', 'reason']);
  reasonOf(fields);
  const { batches, dates, dryRun, withdraw } = fields;
  if (dryRun !== undefined && typeof dryRun !== 'boolean')
    throw new RangeError('dryRun must be true or false');
  if (withdraw !== undefined && typeof withdraw !== 'boolean')
    throw new RangeError('withdraw must be true or false');
  if (withdraw === true && !Array.isArray(batches))
    throw new RangeError('withdraw needs the numbers of the batches: {"batches":[3],"withdraw":true}');
  if ((batches === undefined) === (dates === undefined))
    throw new RangeError(`say which batches: ${EXAMPLE}`);
  if (batches === 'failed') return { kind: 'failed' };
  if (Array.isArray(batches) && batches.length > MOST_BATCHES)
    throw new RangeError(`${batches.length} batches at once are too many; at most ${MOST_BATCHES}`);
  if (Array.isArray(batches) && batches.length > 0 && batches.every(isNumber))
    return { kind: 'list', batches: [...new Set(batches)].sort((a, b) => a - b) };
  const bounds = batches ?? dates;
  const { from, to } = typeof bounds === 'object' && bounds !== null ? fieldsOf(bounds) : {};
  if (batches !== undefined && isNumber(from) && isNumber(to) && from <= to)
    return { kind: 'range', from, to };
  if (dates !== undefined && isDate(from) && isDate(to) && from <= to) return { kind: 'dates', from, to };
  throw new RangeError(`${shown(bounds)} does not say which batches: ${EXAMPLE}`);
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isDate(value: unknown): value is string {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
}
