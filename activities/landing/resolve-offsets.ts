import type { Offsets } from '../../domain/ranges';
import { isOtherTopic } from '../../domain/topic-id';
import type { OrdersTopic } from '../../ports';

export interface ResolveOffsetsInput {
  offsets: Offsets | 'earliest';
  /** The topic that the landing knows. */
  topicId?: string;
}

export interface ResolveOffsetsResult {
  /** Absent where they cannot be landed from. */
  offsets?: Offsets;
  /** Where those partitions begin that are not named in `offsets` and that the landing does not know. */
  begins?: Offsets;
  /** The topic that they are of. */
  topicId?: string;
  /** Why not. */
  problem?: string;
}

/**
 * Turns what an operator asked for into offsets that exist, or says why there are none. Reads only, so it is
 * idempotent without a key.
 */
export function createResolveOffsets(deps: { topic: OrdersTopic }) {
  return async function resolveOffsets({
    offsets,
    topicId: known,
  }: ResolveOffsetsInput): Promise<ResolveOffsetsResult> {
    const { earliest, stable, topicId } = await deps.topic.offsets();
    if (offsets === 'earliest') return { offsets: earliest, topicId };
    if (isOtherTopic(known, topicId)) {
      // Some may be of before, and partitions that are not named would go on at offsets of before.
      const problem = `the topic was deleted and recreated (its id was ${known}, it is ${topicId}): reset to "earliest" first`;
      return { problem };
    }
    for (const [partition, offset] of Object.entries(offsets)) {
      const [first, end] = [earliest[partition], stable[partition]];
      if (first === undefined || end === undefined)
        return { problem: `the topic has no partition ${partition}` };
      if (BigInt(offset) < BigInt(first) || BigInt(offset) > BigInt(end)) {
        return { problem: `partition ${partition} holds the offsets ${first} to ${end}, not ${offset}` };
      }
    }
    // As in a claim: what is not known was added since.
    const begins = Object.fromEntries(Object.keys(stable).map((partition) => [partition, '0']));
    return { offsets, begins, topicId };
  };
}
