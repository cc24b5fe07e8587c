import type { Offsets } from '../../model/ranges';
import type { OrdersTopic } from '../interfaces';

export interface ResolveOffsetsInput {
  offsets: Offsets | 'earliest';
}

export interface ResolveOffsetsResult {
  /** Absent where they cannot be landed from. */
  offsets?: Offsets;
  /** Why not. */
  problem?: string;
}

/**
 * Turns what an operator asked for into offsets that exist, or says why there are none. Reads only, so it is
 * idempotent without a key.
 */
export function createResolveOffsets(deps: { topic: OrdersTopic }) {
  return async function resolveOffsets({ offsets }: ResolveOffsetsInput): Promise<ResolveOffsetsResult> {
    const { earliest, stable } = await deps.topic.offsets();
    if (offsets === 'earliest') return { offsets: earliest };
    for (const [partition, offset] of Object.entries(offsets)) {
      const [first, end] = [earliest[partition], stable[partition]];
      if (first === undefined || end === undefined)
        return { problem: `the topic has no partition ${partition}` };
      if (BigInt(offset) < BigInt(first) || BigInt(offset) > BigInt(end)) {
        return { problem: `partition ${partition} holds the offsets ${first} to ${end}, not ${offset}` };
      }
    }
    return { offsets };
  };
}
