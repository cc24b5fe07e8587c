import { cut } from './bounded';

/** Known to all that read payloads, and nothing that JSON can hold. */
const PROBLEM = Symbol.for('orders-stream.undecodable');

/** What stands for a payload that could not be decoded, so that whoever reads it can say so. */
export function undecodable(problem: string): object {
  return { [PROBLEM]: cut(problem) };
}

/** Why the value could not be decoded; `undefined` where it is a value. */
export function undecodedBecause(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as { [PROBLEM]?: string })[PROBLEM];
}
