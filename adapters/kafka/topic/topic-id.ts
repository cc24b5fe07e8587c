import { otherTopic } from '../../../domain/data-loss';
import type { OffsetRange } from '../../../domain/ranges';
import { isOtherTopic } from '../../../domain/topic-id';
import { type Connection, checkCode, send, type Receiver, wire, WireReader } from '../transport';

/** Topic ids come with version 10, of Kafka 2.8; kafkajs speaks versions up to 6. Version 9 is of Kafka 2.4. */
const METADATA = { apiKey: 3, apiName: 'Metadata' };
const WITH_IDS = 10;
const INCONSISTENT_TOPIC_ID = 103;
const NO_ID = Buffer.alloc(16);

/**
 * The id that Kafka gave the topic when it was created, as Kafka's own tools print it; `undefined` where a broker does not
 * know of ids. Every leader is asked: a broker that serves a new topic's messages knows the new id, others may not yet.
 * Tells the connection how many partitions the topic has now.
 */
export async function topicId(connection: Connection): Promise<string | undefined> {
  const { topic, partitions } = connection;
  const seen = await Promise.all(
    [...connection.leaders(partitions).keys()].map(async (nodeId) =>
      describeTopic(await connection.broker(nodeId), topic),
    ),
  );
  for (const { partitions: count } of seen) connection.noticePartitions(count);
  const ids = seen.map(({ id }) => id);
  if (ids.includes(undefined)) return undefined;
  if (new Set(ids).size > 1) checkCode(INCONSISTENT_TOPIC_ID);
  return ids[0];
}

/** NonRetryableError DataLoss where the topic is not the one that the offsets of these ranges are of. */
export async function requireTopic(
  connection: Connection,
  known: string | undefined,
  ranges: readonly OffsetRange[],
): Promise<void> {
  if (known === undefined) return;
  const found = await topicId(connection);
  if (!isOtherTopic(known, found)) return;
  throw otherTopic(known, found, Object.fromEntries(ranges.map(({ partition, from }) => [partition, from])));
}

/** What one broker knows of a topic. */
export async function describeTopic(
  broker: Receiver,
  topic: string,
): Promise<{ id: string | undefined; partitions: number }> {
  const withIds = (broker.versions[METADATA.apiKey]?.maxVersion ?? 0) >= WITH_IDS;
  const noId = withIds ? NO_ID : Buffer.alloc(0);
  const byName = Buffer.concat([noId, wire.compactString(topic), wire.noTaggedFields]);
  const body = Buffer.concat([
    wire.noTaggedFields, // of the header, which kafkajs writes in its older form
    wire.compactArray([byName]),
    wire.int8(0), // do not create it
    wire.int8(0), // no rights of the cluster,
    wire.int8(0), // nor of the topic
    wire.noTaggedFields,
  ]);
  const call = { ...METADATA, apiVersion: withIds ? WITH_IDS : WITH_IDS - 1 };
  const { code, id, partitions } = await send(broker, call, body, (payload) => decode(payload, withIds));
  checkCode(code);
  return { id: id.equals(NO_ID) ? undefined : id.toString('base64url'), partitions };
}

function decode(payload: Buffer, withIds: boolean): { code: number; id: Buffer; partitions: number } {
  const reader = new WireReader(payload);
  reader.taggedFields(); // of the header
  reader.int32(); // throttle time
  reader.compactArray(() => {
    reader.int32(); // broker
    reader.compactString(); // host
    reader.int32(); // port
    reader.compactString(); // rack
    reader.taggedFields();
  });
  reader.compactString(); // cluster
  reader.int32(); // controller
  const topics = reader.compactArray(() => {
    const code = reader.int16();
    reader.compactString(); // name
    const id = withIds ? reader.uuid() : NO_ID;
    reader.int8(); // internal
    const { length: partitions } = reader.compactArray(() => {
      reader.int16(); // error
      reader.int32(); // partition
      reader.int32(); // leader
      reader.int32(); // its epoch
      for (let list = 0; list < 3; list += 1) reader.compactArray(() => reader.int32()); // replicas, in sync, offline
      reader.taggedFields();
    });
    reader.int32(); // rights
    reader.taggedFields();
    return { code, id, partitions };
  });
  return topics[0] ?? { code: 0, id: NO_ID, partitions: 0 };
}
