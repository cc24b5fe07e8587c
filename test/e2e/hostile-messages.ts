import fc from 'fast-check';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { microsOf } from '../../domain/table/table';
import { ORDERS } from '../../domain/table/orders';
import { validate } from '../../messages';
import { messageValue, WIRE } from '../helpers/hostile';

/** As much as a topic takes by itself. */
const LARGE = 900_000;

/** Values that no order has, none with a time, so that each is a row of its own; the last are there for their size. */
export const hostileValues: (Buffer | null)[] = [
  ...fc.sample(messageValue, { seed: 13, numRuns: 400 }).filter((value) => {
    const { order } = validate({ value });
    return order !== undefined && microsOf(ORDERS, order) === null;
  }),
  null,
  Buffer.from(WIRE.replace('350.00', `1${'0'.repeat(LARGE)}1`).replace('created_at', 'x')),
  Buffer.from(`{${Array.from({ length: LARGE / 15 }, (_, at) => `"key${at}":null`).join(',')}}`),
  Buffer.from(`{"a":${'['.repeat(LARGE)}`),
  Buffer.alloc(LARGE, 0xff),
];

/** Sends them as another program would, then a record batch of 70 KB that is 70 MB, and a good order in another form after it. */
export async function sendHostile(brokers: string[], topic: string, good: string): Promise<void> {
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  try {
    const send = (value: Buffer | string | null, compression = CompressionTypes.None) =>
      producer.send({ topic, compression, messages: [{ partition: 0, key: 'k', value }] });
    await producer.send({
      topic,
      messages: hostileValues.slice(0, -4).map((value) => ({ partition: 0, value })),
    });
    for (const value of hostileValues.slice(-4)) await send(value);
    await send(Buffer.alloc(70 * 1024 * 1024), CompressionTypes.GZIP);
    await send(good);
  } finally {
    await producer.disconnect();
  }
}
