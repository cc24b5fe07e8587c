/** What `maintainLake` asks of `landOrders`, which alone writes the ledger, and what that answers. */
/** A file as ledger entries list it; the shape is checked where an entry is written. */
interface MergedFile {
  path: string;
  rows: number;
  bytes: number;
  sha256: string;
  first?: { createdAt: string; orderId: string };
  last?: { createdAt: string; orderId: string };
}

/** Files of one date that become one, which is written already and hidden. */
export interface Merge {
  part: 'lake' | 'quarantine';
  inputs: string[];
  file: MergedFile;
}

export interface MergeRequest extends Merge {
  kind: 'mergeFiles';
  /** Tells a request that was sent twice. */
  id: string;
  replyTo: string;
}

/** Nothing has changed where there is an error. */
export interface MergeAnswer {
  id: string;
  error?: string;
}

/** From `maintainLake`, or from somebody who imitates it: a RangeError. */
export function mergeRequestOf({ id, replyTo, part, inputs, file }: Record<string, unknown>): MergeRequest {
  const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
  const isPart = part === 'lake' || part === 'quarantine';
  const areInputs = Array.isArray(inputs) && inputs.length > 0 && inputs.every(isText);
  const { path, rows, bytes, sha256 } = (typeof file === 'object' ? (file ?? {}) : {}) as Record<
    string,
    unknown
  >;
  const isFile = isText(path) && isText(sha256) && [rows, bytes].every((one) => Number.isSafeInteger(one));
  if (!isText(id) || !isText(replyTo) || !isPart || !areInputs || !isFile)
    throw new RangeError('mergeFiles is what maintainLake sends: ask that with its signal compact');
  return { kind: 'mergeFiles', id, replyTo, part, inputs, file: file as MergedFile };
}

/** What `landOrders` answers; `undefined` for what somebody else signalled. */
export function readMergeAnswer(payload: unknown): MergeAnswer | undefined {
  if (typeof payload !== 'object' || payload === null) return undefined;
  const { id, error } = payload as Record<string, unknown>;
  const fits = typeof id === 'string' && (error === undefined || typeof error === 'string');
  return fits ? (payload as MergeAnswer) : undefined;
}
