/** Names that operators and tools rely on. */
export const WORKFLOWS = {
  captureOrders: { id: 'orders-capture', taskQueue: 'orders-capture' },
  landOrders: { id: 'orders-land', taskQueue: 'orders-land' },
} as const;

/** Any number may be started, one at a time makes sense: ids are `orders-replay-…`. */
export const REPLAY = {
  type: 'replayBatches',
  idPrefix: 'orders-replay-',
  taskQueue: 'orders-land',
} as const;

/** One comparison of source, topic and lake; the schedule, if there is one, has the same id. */
export const VERIFY = { type: 'verifyPipeline', id: 'orders-verify', taskQueue: 'orders-land' } as const;

/** Keeps the lake in shape; landing needs none of it. */
export const MAINTAIN = { type: 'maintainLake', id: 'orders-maintain', taskQueue: 'orders-land' } as const;

export type WorkflowType = keyof typeof WORKFLOWS;

/** What a worker process serves. */
export const QUEUES = ['capture', 'land'] as const;

export type Queue = (typeof QUEUES)[number];
