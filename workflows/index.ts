/** What the workers bundle: every workflow type. */
export { captureOrders } from './capture-orders';
export { landOrders } from './land-orders';
export { replayBatches } from './replay-batches';
export { verifyPipeline } from './verify-pipeline';
