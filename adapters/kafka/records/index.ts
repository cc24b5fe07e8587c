/** Kafka's record batches, encoded and decoded: bytes in, bytes out, no connection. */
export { encodeHeaders, nextSequence, RecordBatchBuilder, sizeAlone } from './record-batch';
export { type AbortedTransaction, ChecksumError, type DecodedRecords, decodeRecords } from './record-reader';
