import type { Offsets } from './ranges';
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
export type RequestName = 'pause' | 'resume' | ResetKind | 'replayBatch';

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
  /** Of offsets: the topic had been made anew, and `to` is of the one with this id; there is no way back to `from`. */
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
    return { kind: 'refused', signal, problem: (error as Error).message };
  }
}

function read(signal: RequestName, payload: unknown): Request {
  if (signal === 'resume') return { kind: 'resume' };
  const fields = fieldsOf(payload ?? {});
  if (signal === 'replayBatch') return { ...(fields as unknown as ReplayRequest), kind: signal }; // from ourselves
  const reason = reasonOf(fields);
  if (signal !== 'pause' && fields['undo'] === true) {
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
  }
}

/** The fields of an object, or a RangeError. */
export function fieldsOf(payload: unknown): Record<string, unknown> {
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new RangeError(`the payload must be a JSON object, not ${JSON.stringify(payload)}`);
  }
  return payload as Record<string, unknown>;
}

/** Throws a RangeError that names a field which is not allowed. */
export function only(fields: Record<string, unknown>, allowed: string[]): void {
  const stranger = Object.keys(fields).find((key) => !allowed.includes(key));
  if (stranger !== undefined)
    throw new RangeError(`${stranger} is not a field; allowed are ${allowed.join(', ')}`);
}

/** The field `reason`, or a RangeError where it is not text. */
export function reasonOf({ reason }: Record<string, unknown>): string | null {
  if (reason === undefined || reason === null) return null;
  if (typeof reason !== 'string') throw new RangeError('reason must be text');
  return reason;
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
