import type { Broker } from 'kafkajs/src/cluster/types';
import { REQUEST_TIMEOUT_MS, send, checkCode, wire, WireReader } from '../transport';
import type { AbortedTransaction } from '../records';

const READ_COMMITTED = 1;

/** One partition's part of a fetch, read_committed. */
export interface FetchedPartition {
  partition: number;
  code: number;
  lastStableOffset: bigint;
  aborted: AbortedTransaction[];
  /** Record batches as stored. */
  records: Buffer;
}

/**
 * One Fetch request without a consumer group. The broker answers once it has a byte, or after `maxWaitMs`;
 * it sends one whole batch even where that is above `maxBytes`.
 */
export async function fetch(
  broker: Broker,
  request: {
    topic: string;
    offsets: readonly { partition: number; offset: bigint }[];
    maxBytes: number;
    maxWaitMs: number;
    /** It waits by design, and is timed by itself. */
    waits?: true;
  },
): Promise<FetchedPartition[]> {
  const { topic, offsets, maxBytes, maxWaitMs, waits } = request;
  const partitions = offsets.map(({ partition, offset }) =>
    Buffer.concat([
      wire.int32(partition),
      wire.int32(-1), // leader epoch: not checked
      wire.int64(offset),
      wire.int64(-1n), // log start offset: for followers only
      wire.int32(maxBytes),
    ]),
  );
  const body = Buffer.concat([
    wire.int32(-1), // no replica
    wire.int32(maxWaitMs),
    wire.int32(1), // bytes to wait for
    wire.int32(maxBytes),
    wire.int8(READ_COMMITTED),
    wire.int32(0), // no fetch session
    wire.int32(-1),
    wire.array([Buffer.concat([wire.string(topic), wire.array(partitions)])]),
    wire.array([]), // nothing forgotten
    wire.string(''), // no rack: from the leader
  ]);
  const requestTimeout = maxWaitMs + REQUEST_TIMEOUT_MS;
  const apiName = waits === true ? 'FetchWait' : 'Fetch';
  const call = { apiKey: 1, apiVersion: 11, apiName, requestTimeout };
  const { code, fetched } = await send(broker, call, body, decode);
  checkCode(code);
  return fetched;
}

function decode(payload: Buffer): { code: number; fetched: FetchedPartition[] } {
  const reader = new WireReader(payload);
  reader.int32(); // throttle time: the broker has delayed the answer itself
  const code = reader.int16();
  reader.int32(); // session
  const fetched = reader.array(() => {
    reader.string(); // topic
    return reader.array(() => {
      const partition = reader.int32();
      const partitionCode = reader.int16();
      reader.int64(); // high watermark
      const lastStableOffset = reader.int64();
      reader.int64(); // log start offset
      const aborted = reader.array(() => ({ producerId: reader.int64(), firstOffset: reader.int64() }));
      reader.int32(); // preferred replica
      const records = reader.bytes();
      return { partition, code: partitionCode, lastStableOffset, aborted, records };
    });
  });
  return { code, fetched: fetched.flat() };
}
