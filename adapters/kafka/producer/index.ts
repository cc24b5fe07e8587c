/** Publishing a window in one transaction, with the progress record that belongs to it. */
export { fetchStableOffset } from './offset-fetch-request';
export { partitionOf } from './partitioner';
export { PROGRESS_GROUP, readProgress } from './progress-record';
export { Publisher } from './publisher';
export {
  type ActiveProducer,
  describeProducers,
  describeTransaction,
  listTransactions,
} from './transaction-requests';
export { TRANSACTION_TIMEOUT_MS, transactionalIdOf } from './transactional-producer';
