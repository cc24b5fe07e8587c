import type { Broker } from 'kafkajs/src/cluster/types';
import { send, checkCode, wire, WireReader } from '../transport';

/**
 * For so long the leader waits for the other brokers that count as in sync. One that died counts for 9 s (by default), and
 * the answer has to be here before the request counts as unanswered (15 s): it says more.
 */
const ACKNOWLEDGED_WITHIN_MS = 12_000;

/** Sends record batches, one a partition, to the broker that leads them; resolves when all replicas in sync have them. */
export async function produce(
  broker: Broker,
  request: { transactionalId: string; topic: string; batches: { partition: number; bytes: Buffer }[] },
): Promise<void> {
  const { transactionalId, topic, batches } = request;
  const body = Buffer.concat([
    wire.string(transactionalId),
    wire.int16(-1), // acknowledged by all
    wire.int32(ACKNOWLEDGED_WITHIN_MS),
    wire.int32(1),
    wire.string(topic),
    wire.int32(batches.length),
    ...batches.flatMap(({ partition, bytes }) => [wire.int32(partition), wire.int32(bytes.length), bytes]),
  ]);
  const { codes } = await send(broker, { apiKey: 0, apiVersion: 7, apiName: 'Produce' }, body, decode);
  for (const code of codes) checkCode(code);
}

function decode(payload: Buffer): { codes: number[] } {
  const reader = new WireReader(payload);
  const codes = reader.array(() => {
    reader.string(); // topic
    return reader.array(() => {
      reader.int32(); // partition
      const code = reader.int16();
      reader.int64(); // base offset
      reader.int64(); // log append time
      reader.int64(); // log start offset
      return code;
    });
  });
  return { codes: codes.flat() };
}
