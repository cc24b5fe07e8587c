import { cut, LONGEST_TEXT, shown } from './bounded';
import { mergeRequestOf, type MergeRequest } from './merge';
import { didYouMean } from './nearest';
import type { Offsets } from './ranges';
import { undecodedBecause } from './undecodable';
import { watermarkFrom, type Watermark } from './watermark';

/** What was asked for by signal or update, read and found well-formed, or refused. */
export type Request =
  | { kind: 'pause'; reason: string | null }
  | { kind: 'resume' }
  | { kind: 'resetWatermark'; to: Watermark; reason: string | null }
  | { kind: 'resetOffsets'; to: Offsets | 'earliest'; reason: string | null }
  /** Back to the place before the last reset. */
  | { kind: 'undoReset'; signal: ResetKind; reason: string | null }
  | ReplayRequest
  | MergeRequest
  /** Of `maintainLake`. */
  | { kind: 'compact'; dates: string[] | null; reason: string | null }
  | { kind: 'refused'; signal: string; problem: string };

export type ResetKind = 'resetWatermark' | 'resetOffsets';

/** Sent by `replayBatches` to `landOrders`, the lake's only writer, which answers the workflow `replyTo`. */
export interface ReplayRequest {
  kind: 'replayBatch';
  /** Tells a request that was sent twice. */
  id: string;
  replyTo: string;
  batch: number;
  dryRun: boolean;
  withdraw?: boolean;
}

/** What became of a request; an update answers with it. */
export type Answer = { done: object } | { refused: string };

/** What can be asked for by name. */
export type RequestName = 'pause' | 'resume' | ResetKind | 'replayBatch' | 'mergeFiles' | 'compact';

/** Asked for by signal and in force: nothing new is begun. */
export interface Pause {
  reason: string | null;
  /** ISO 8601. */
  since: string;
}

/** A reset that was carried out. */
export interface Reset<Place> {
  from: Place;
  to: Place;
  reason: string | null;
  /** ISO 8601. */
  at: string;
  /** Of offsets: the topic had been recreated, and `to` is of the one with this id; there is no way back to `from`. */
  topicId?: string;
}

/** A signal that changed nothing, because it could not be understood. */
export interface Refusal {
  signal: string;
  problem: string;
  /** ISO 8601. */
  at: string;
}

/** As many resets and refusals as `status` remembers; each run hands them to the next, so there must be an end. */
export const REMEMBERED = 20;

/** Adds to a list, forgetting the oldest. */
export function remember<T>(list: readonly T[], item: T): T[] {
  return [...list, item].slice(-REMEMBERED);
}

/** Reads a signal's payload. A signal cannot answer, so what is wrong becomes a refusal instead of an error. */
export function readRequest(signal: RequestName, payload: unknown): Request {
  try {
    return read(signal, payload);
  } catch (error) {
    return { kind: 'refused', signal, problem: cut((error as Error).message) };
  }
}

/** More partitions than any topic has. */
const MOST_PARTITIONS = 10_000;

/**
 * What is wrong with a request that is well-formed: more of something than there can be, or a number that JSON has rounded.
 * Apart from {@link readRequest}, because runs of versions before 0.4.0 accepted these.
 */
export function beyondLimits(signal: RequestName, args: readonly unknown[]): string | undefined {
  if (args.length > 1) return `${signal} takes one payload, not ${args.length}`;
  const [payload] = args;
  if (signal === 'resume' || typeof payload !== 'object' || payload === null) return undefined;
  const { orderId, offsets } = payload as Record<string, unknown>;
  if (typeof orderId === 'number' && !Number.isSafeInteger(orderId))
    return `orderId ${orderId} is not exact: numbers above 2^53 must be text, like "orderId": "9007199254740993"`;
  if (signal !== 'resetOffsets' || typeof offsets !== 'object' || offsets === null) return undefined;
  const entries = Object.entries(offsets);
  if (entries.length > MOST_PARTITIONS)
    return `offsets of ${entries.length} partitions: no topic has so many`;
  const wrong = entries.find(
    ([partition, offset]) =>
      !/^\d{1,9}$/.test(partition) ||
      !/^\d{1,19}$/.test(String(offset)) ||
      (typeof offset === 'number' && !Number.isSafeInteger(offset)),
  );
  if (wrong === undefined) return undefined;
  return `offset ${cut(String(wrong[1]), 60)} of partition ${cut(wrong[0], 60)} is not exact or larger than offsets are`;
}

/** What a request that this workflow does not know is refused with. */
export function unknownRequest(name: string, known: readonly string[]): { signal: string; problem: string } {
  const signal = cut(name, 100);
  const problem = `this workflow does not understand it; it understands ${known.join(', ')}${didYouMean(signal, known)}`;
  return { signal, problem };
}

function read(signal: RequestName, payload: unknown): Request {
  refuseUndecoded(payload);
  // What is meant is plain whatever else it says, and earlier versions took it.
  if (signal === 'resume') return { kind: 'resume' };
  const fields = fieldsOf(payload ?? {});
  if (signal === 'replayBatch') return replayRequestOf(fields);
  if (signal === 'mergeFiles') return mergeRequestOf(fields);
  const reason = reasonOf(fields);
  if ((signal === 'resetWatermark' || signal === 'resetOffsets') && fields['undo'] === true) {
    only(fields, ['undo', 'reason']);
    return { kind: 'undoReset', signal, reason };
  }
  switch (signal) {
    case 'pause':
      only(fields, ['reason']);
      return { kind: 'pause', reason };
    case 'resetWatermark': {
      only(fields, ['createdAt', 'orderId', 'reason']);
      const { createdAt, orderId } = fields;
      if (typeof createdAt !== 'string')
        throw new RangeError('createdAt is missing: {"createdAt": "2025-11-18T00:00:00Z"}');
      if (orderId !== undefined && typeof orderId !== 'string' && typeof orderId !== 'number') {
        throw new RangeError('orderId must be a whole number');
      }
      return { kind: 'resetWatermark', to: watermarkFrom({ createdAt, orderId }), reason };
    }
    case 'resetOffsets':
      only(fields, ['offsets', 'reason']);
      return { kind: 'resetOffsets', to: offsetsOf(fields['offsets']), reason };
    case 'compact':
      only(fields, ['dates', 'reason']);
      return { kind: 'compact', dates: datesOf(fields['dates']), reason };
  }
}

/** From `replayBatches`, or from somebody who imitates it. */
function replayRequestOf({ id, replyTo, batch, dryRun, withdraw }: Record<string, unknown>): ReplayRequest {
  const isName = (value: unknown): value is string =>
    typeof value === 'string' && value !== '' && value.length <= 2 * LONGEST_TEXT;
  if (!isName(id) || !isName(replyTo) || !Number.isSafeInteger(batch) || typeof dryRun !== 'boolean')
    throw new RangeError('replayBatch is what replayBatches sends: start that (npm run orders -- replay)');
  const given = withdraw === true ? { withdraw } : {};
  return { kind: 'replayBatch', id, replyTo, batch: batch as number, dryRun, ...given };
}

/** Throws a RangeError for what stands in place of a payload that could not be decoded. */
export function refuseUndecoded(payload: unknown): void {
  const problem = undecodedBecause(payload);
  if (problem !== undefined)
    throw new RangeError(
      `the payload cannot be decoded (${problem}); it must be JSON, of encoding json/plain`,
    );
}

/** The fields of an object, or a RangeError. */
export function fieldsOf(payload: unknown): Record<string, unknown> {
  if (
    typeof payload !== 'object' ||
    payload === null ||
    Array.isArray(payload) ||
    ArrayBuffer.isView(payload)
  )
    throw new RangeError(
      `the payload must be a JSON object, not ${ArrayBuffer.isView(payload) ? 'bytes' : shown(payload)}`,
    );
  return payload as Record<string, unknown>;
}

/** Throws a RangeError that names a field which is not allowed, and the one that may have been meant. */
export function only(fields: Record<string, unknown>, allowed: readonly string[]): void {
  const stranger = Object.keys(fields).find((key) => !allowed.includes(key));
  if (stranger === undefined) return;
  const name = cut(stranger, 60);
  throw new RangeError(
    `${name} is not a field; allowed are ${allowed.join(', ') || 'none'}${didYouMean(name, allowed)}`,
  );
}

/** The field `reason`, cut to a length that status can hold; a RangeError where it is not text. */
export function reasonOf({ reason }: Record<string, unknown>): string | null {
  if (reason === undefined || reason === null) return null;
  if (typeof reason !== 'string') throw new RangeError('reason must be text');
  return cut(reason);
}

/** Years of dates; a list of more is a mistake. */
const MOST_DATES = 5_000;

function datesOf(dates: unknown): string[] | null {
  if (dates === undefined || dates === null) return null;
  const are = (value: unknown): value is string =>
    typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value);
  if (!Array.isArray(dates) || dates.length === 0 || dates.length > MOST_DATES || !dates.every(are))
    throw new RangeError('dates must be like ["2025-11-18"]; leave them out for all');
  return dates;
}

function offsetsOf(offsets: unknown): Offsets | 'earliest' {
  if (offsets === 'earliest') return offsets;
  const entries = typeof offsets === 'object' && offsets !== null ? Object.entries(offsets) : [];
  const valid = entries.every(
    ([partition, offset]) =>
      /^\d+$/.test(partition) &&
      (typeof offset === 'string' || typeof offset === 'number') &&
      /^\d+$/.test(String(offset)),
  );
  if (entries.length === 0 || !valid) {
    throw new RangeError(
      'offsets must be "earliest" or like {"0": "42", "1": "7"}: partition to the offset to land next',
    );
  }
  return Object.fromEntries(entries.map(([partition, offset]) => [partition, String(offset)]));
}
