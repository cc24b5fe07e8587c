import { otherTopic } from '../../model/data-loss';
import type { OffsetRange } from '../../model/ranges';
import { isOtherTopic } from '../../model/topic-id';
import type { Connection } from './connection';
import { checkCode } from './errors';
import { send, type Receiver } from './send-request';
import { wire, WireReader } from './wire';

/** Topic ids come with version 10, of Kafka 2.8; kafkajs speaks versions up to 6. */
const METADATA = { apiKey: 3, apiVersion: 10, apiName: 'Metadata' };
const INCONSISTENT_TOPIC_ID = 103;
const NO_ID = Buffer.alloc(16);

/**
 * The id that Kafka gave the topic when it was created, as Kafka's own tools print it; `undefined` where a broker does not
 * know of ids. Every leader is asked: a broker that serves a new topic's messages knows the new id, others may not yet.
 */
export async function topicId(connection: Connection): Promise<string | undefined> {
  const { topic, partitions } = connection;
  const ids = await Promise.all(
    [...connection.leaders(partitions).keys()].map(async (nodeId) =>
      fetchTopicId(await connection.broker(nodeId), topic),
    ),
  );
  if (ids.includes(undefined)) return undefined;
  if (new Set(ids).size > 1) checkCode(INCONSISTENT_TOPIC_ID);
  return ids[0];
}

/** LastingFailure DataLoss where the topic is not the one that the offsets of these ranges are of. */
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

/** What one broker knows. */
export async function fetchTopicId(broker: Receiver, topic: string): Promise<string | undefined> {
  if ((broker.versions[METADATA.apiKey]?.maxVersion ?? 0) < METADATA.apiVersion) return undefined;
  const byName = Buffer.concat([NO_ID, wire.compactString(topic), wire.noTaggedFields]);
  const body = Buffer.concat([
    wire.noTaggedFields, // of the header, which kafkajs writes in its older form
    wire.compactArray([byName]),
    wire.int8(0), // do not create it
    wire.int8(0), // no rights of the cluster,
    wire.int8(0), // nor of the topic
    wire.noTaggedFields,
  ]);
  const { code, id } = await send(broker, METADATA, body, decode);
  checkCode(code);
  return id.equals(NO_ID) ? undefined : id.toString('base64url');
}

function decode(payload: Buffer): { code: number; id: Buffer } {
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
    const id = reader.uuid();
    reader.int8(); // internal
    reader.compactArray(() => {
      reader.int16(); // error
      reader.int32(); // partition
      reader.int32(); // leader
      reader.int32(); // its epoch
      for (let list = 0; list < 3; list += 1) reader.compactArray(() => reader.int32()); // replicas, in sync, offline
      reader.taggedFields();
    });
    reader.int32(); // rights
    reader.taggedFields();
    return { code, id };
  });
  return topics[0] ?? { code: 0, id: NO_ID };
}
