/**
 * What `temporal workflow list --query` finds the two workflows by, with Temporal's types. They stand as of the last poll,
 * claim or batch; while an activity is being retried they do not move.
 *
 * - `OrdersPipeline`: the topic's name.
 * - `OrdersLagSeconds`: 0 where the last look left nothing behind. captureOrders: how far the watermark is behind the
 *   database's clock, or the age of the transaction that holds it back. landOrders: the age of the newest order that landed.
 * - `OrdersLastBatch`: `none`, `published`, `landed`, `parked` or `replayed`.
 * - `OrdersParkedBatches`: batches that wait for `replayBatches`; of landOrders only.
 */
export const SEARCH_ATTRIBUTES = {
  OrdersPipeline: 'KEYWORD',
  OrdersLagSeconds: 'INT',
  OrdersLastBatch: 'KEYWORD',
  OrdersParkedBatches: 'INT',
} as const;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;

export const SEARCH_ATTRIBUTE_NAMES = Object.keys(SEARCH_ATTRIBUTES) as SearchAttributeName[];

export type LastBatch = 'none' | 'published' | 'landed' | 'parked' | 'replayed';
