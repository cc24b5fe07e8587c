import type { Offsets } from '../../model/ranges';
import type { Watermark } from '../../model/watermark';
import type { OrdersLake, OrdersTopic } from '../interfaces';

export interface OpenLandingResult {
  /** Micro-batches committed before. */
  sequence: number;
  next: Offsets;
  /** The furthest offsets that were ever landed. */
  reached: Offsets;
  highWater: Record<string, Watermark>;
  startedFrom: 'ledger' | 'earliest offsets';
}

/**
 * Checks topic and lake before anything is done, clears away what a lost run left half done, and finds the place to
 * begin: after the ledger's last entry, or at the earliest offsets for a new lake.
 *
 * Idempotent: creates what is missing, removes only files that no ledger entry names and that only an earlier run of
 * this pipeline can have written. Runs when no batch is in flight: at the start of a workflow that carries no state.
 */
export function createOpenLanding(deps: { topic: OrdersTopic; lake: OrdersLake }) {
  return async function openLanding(): Promise<OpenLandingResult> {
    await deps.lake.ensure();
    await deps.topic.ensure();
    await deps.lake.sweep();
    const last = await deps.lake.lastEntry();
    if (last !== undefined) {
      const { sequence, next, reached, highWater } = last;
      return { sequence, next, reached, highWater, startedFrom: 'ledger' };
    }
    const { earliest } = await deps.topic.offsets();
    return { sequence: 0, next: earliest, reached: earliest, highWater: {}, startedFrom: 'earliest offsets' };
  };
}
