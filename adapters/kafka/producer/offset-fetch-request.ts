import type { Broker } from 'kafkajs/src/cluster/types';
import { send, checkCode, wire, WireReader } from '../transport';

/** An offset that a group committed. */
export interface CommittedOffset {
  offset: bigint;
  metadata: string;
}

/**
 * The offset that a group committed for a partition, and never one that an open transaction is about to
 * change: the broker then answers UNSTABLE_OFFSET_COMMIT. kafkajs speaks versions up to 4, which return the
 * old offset in that case; hence version 7.
 */
export async function fetchStableOffset(
  coordinator: Broker,
  request: { group: string; topic: string; partition: number },
): Promise<CommittedOffset | undefined> {
  const { group, topic, partition } = request;
  const partitions = wire.compactArray([wire.int32(partition)]);
  const topics = wire.compactArray([
    Buffer.concat([wire.compactString(topic), partitions, wire.noTaggedFields]),
  ]);
  const requireStable = wire.int8(1);
  const body = Buffer.concat([
    wire.noTaggedFields, // of the header, which kafkajs writes in its older form
    wire.compactString(group),
    topics,
    requireStable,
    wire.noTaggedFields,
  ]);
  const { code, found } = await send(
    coordinator,
    { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch' },
    body,
    decode,
  );
  checkCode(code);
  for (const { code: partitionCode } of found) checkCode(partitionCode);
  const committed = found[0];
  return committed === undefined || committed.offset < 0n ? undefined : committed;
}

function decode(payload: Buffer): { code: number; found: (CommittedOffset & { code: number })[] } {
  const reader = new WireReader(payload);
  reader.taggedFields(); // of the header
  reader.int32(); // throttle time
  const found = reader.compactArray(() => {
    reader.compactString(); // topic
    const partitions = reader.compactArray(() => {
      reader.int32(); // partition
      const offset = reader.int64();
      reader.int32(); // leader epoch
      const metadata = reader.compactString() ?? '';
      const code = reader.int16();
      reader.taggedFields();
      return { offset, metadata, code };
    });
    reader.taggedFields();
    return partitions;
  });
  return { found: found.flat(), code: reader.int16() };
}
