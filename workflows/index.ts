/** What the workers bundle: every workflow type. */
export { captureOrders } from './capture/capture-orders';
export { landOrders } from './landing/land-orders';
export { maintainLake } from './maintenance/maintain-lake';
export { replayBatches } from './replay/replay-batches';
export { verifyPipeline } from './verification/verify-pipeline';
