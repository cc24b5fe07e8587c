import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributePair } from '@temporalio/common';
import { SEARCH_ATTRIBUTES, type LastBatch } from '../../domain/search-attributes';

/** Each telling is one event of history, so figures that merely move are told this often at most. */
const TELL_EVERY_MS = 10_000;

export interface Searchable {
  /** `undefined` until an activity has said that the namespace knows the attributes; then nothing is told. */
  pipeline: string | undefined;
  lagSeconds: number;
  lastBatch: LastBatch;
  parkedBatches?: number;
}

/**
 * Sets the search attributes that have changed: at once where trouble begins with a failed batch or ends, else now and then.
 * Returns the state with the time of the last telling in it.
 */
export function tell<S extends { toldAt?: number }>(
  state: S,
  { pipeline, lagSeconds, lastBatch, parkedBatches }: Searchable,
): S {
  if (pipeline === undefined) return state;
  const changed = [
    keyword('OrdersPipeline', pipeline),
    int('OrdersLagSeconds', Math.max(0, Math.round(lagSeconds))),
    keyword('OrdersLastBatch', lastBatch),
    ...(parkedBatches === undefined ? [] : [int('OrdersParkedBatches', parkedBatches)]),
  ].filter(({ key, value }) => told(key) !== value);
  if (changed.length === 0) return state;
  if (!changed.some(isUrgent) && Date.now() - (state.toldAt ?? 0) < TELL_EVERY_MS) return state;
  upsertSearchAttributes(changed);
  return { ...state, toldAt: Date.now() };
}

/** What stands there, from runs before this one too. */
function told(key: SearchAttributePair['key']): unknown {
  return workflowInfo().typedSearchAttributes.get(key);
}

function isUrgent({ key, value }: SearchAttributePair): boolean {
  const before = told(key);
  return before === undefined || value === 0 || (before === 0 && key.name === 'OrdersParkedBatches');
}

const keyword = (name: 'OrdersPipeline' | 'OrdersLastBatch', value: string): SearchAttributePair => ({
  key: { name, type: SEARCH_ATTRIBUTES[name] },
  value,
});

const int = (name: 'OrdersLagSeconds' | 'OrdersParkedBatches', value: number): SearchAttributePair => ({
  key: { name, type: SEARCH_ATTRIBUTES[name] },
  value,
});
