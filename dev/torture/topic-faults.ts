/** What other producers and administrators of Kafka do to the topic. */
import { Kafka, logLevel, Partitioners, type Message, type Producer } from 'kafkajs';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';
import type { Declared } from './declared';
import { insist, seconds, type Make, type Victim } from './fault';

/** Enough to see keys move more than once, and no more than a small broker bears. */
const MOST_PARTITIONS = 12;

/** Not through the proxy: it is another program. */
function kafka({ stack }: Victim): Kafka {
  return new Kafka({
    clientId: 'torture-foreign',
    brokers: stack.addresses.KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING,
  });
}

export const partitionsRaised: Make = (victim) => {
  const { topic } = victim.harness.pipeline.settings.kafka;
  return {
    kind: 'partitions raised',
    what: 'by one',
    run: async (signal) => {
      victim.declared.repeats = true; // orders in flight may be published to where they were, and to where they belong now
      const admin = kafka(victim).admin();
      try {
        await insist(() => admin.connect(), signal);
        const { topics } = await insist(() => admin.fetchTopicMetadata({ topics: [topic] }), signal);
        const count = topics[0]!.partitions.length + 1;
        if (count <= MOST_PARTITIONS)
          await insist(() => admin.createPartitions({ topicPartitions: [{ topic, count }] }), signal);
      } finally {
        await admin.disconnect();
      }
    },
  };
};

/** Messages of another producer, and what becomes of them: orders with an id, or rows that have none. */
interface Foreign {
  messages: Message[];
  ids: string[];
  withoutId: number;
}

const order = (
  id: string,
  createdAt = `"${new Date().toISOString().replace('Z', '000Z')}"`,
  amount = '12.50',
) =>
  `{"order_id":${id},"customer_name":"Other","restaurant_name":"Shop","item":"Tea","amount":${amount},"order_status":"PLACED","created_at":${createdAt}}`;

/** An order that lands. */
function orders(declared: Declared, count: number, keys = true): Foreign {
  const ids = Array.from({ length: count }, () => declared.newId());
  return { ids, withoutId: 0, messages: ids.map((id) => ({ key: keys ? id : null, value: order(id) })) };
}

export const transactionLeftOpen: Make = (victim, random) => {
  const open = random.between(1, 15);
  const commits = random.next() < 0.5;
  const rows = random.between(1, 10);
  return {
    kind: 'foreign transaction left open',
    what: `for ${open} s, then ${commits ? 'committed' : 'aborted'}`,
    run: async (signal) => {
      const { topic } = victim.harness.pipeline.settings.kafka;
      const foreign = orders(victim.declared, rows);
      const transactionalId = `torture-foreign-${foreign.ids[0]}`;
      await producing(
        victim,
        { idempotent: true, maxInFlightRequests: 1, transactionalId, transactionTimeout: 60_000 },
        signal,
        async (producer) => {
          const transaction = await insist(() => producer.transaction(), signal);
          // From here on nobody tries again: a second copy would be another order.
          victim.declared.repeats = true;
          await transaction.send({ topic, messages: foreign.messages });
          await seconds(open, signal);
          if (!commits) return transaction.abort();
          await declaredBy(victim.declared, foreign, () => transaction.commit());
        },
      );
    },
  };
};

export const foreignMessages: Make = (victim, random) => {
  const kind = random.pick(KINDS);
  const count = random.between(1, 10);
  const offset = random.between(0, 500);
  return {
    kind: 'foreign messages',
    what: `${count} ${kind}`,
    run: async (signal) => {
      const { topic } = victim.harness.pipeline.settings.kafka;
      const foreign = await insist(() => make[kind](victim, count, offset), signal);
      victim.declared.repeats = true;
      await producing(victim, {}, signal, (producer) =>
        declaredBy(victim.declared, foreign, () => producer.send({ topic, messages: foreign.messages })),
      );
    },
  };
};

const KINDS = [
  'orders',
  'without key',
  'not JSON',
  'tombstones',
  'repeats',
  'too large',
  'without time',
] as const;

const nameless = (count: number, message: Message): Foreign => ({
  ids: [],
  withoutId: count,
  messages: Array<Message>(count).fill(message),
});

const make: Record<
  (typeof KINDS)[number],
  (victim: Victim, count: number, offset: number) => Promise<Foreign>
> = {
  orders: ({ declared }, count) => Promise.resolve(orders(declared, count)),
  'without key': ({ declared }, count) => Promise.resolve(orders(declared, count, false)),
  'not JSON': (_, count) =>
    Promise.resolve(nameless(count, { key: 'x', value: Buffer.from([123, 0xff, 0xfe]) })),
  tombstones: (_, count) => Promise.resolve(nameless(count, { key: '42', value: null })),
  repeats: async ({ harness }, count, offset) => {
    const { rows } = await harness.pipeline.pool.query<{ key: string; value: string }>(COPIES, [
      count,
      offset,
    ]);
    return { ids: [], withoutId: 0, messages: rows };
  },
  'too large': ({ declared }, count) => Promise.resolve(odd(declared, count, undefined, '1e30')),
  'without time': ({ declared }, count) => Promise.resolve(odd(declared, count, 'null')),
};

/** Kept in the quarantine, with its id. */
function odd(declared: Declared, count: number, createdAt?: string, amount?: string): Foreign {
  const ids = Array.from({ length: count }, () => declared.newId());
  return { ids, withoutId: 0, messages: ids.map((id) => ({ key: id, value: order(id, createdAt, amount) })) };
}

/** Orders of the table as they are in the topic, or soon will be. */
const COPIES = `
  SELECT order_id::text AS key, row_to_json(wire)::text AS value FROM (
    SELECT order_id, customer_name, restaurant_name, item, amount, order_status,
           to_char(created_at, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at
      FROM ${ORDERS_TABLE} WHERE customer_name <> '' AND item NOT LIKE 'odd%'
     ORDER BY order_id DESC OFFSET $2 LIMIT $1) wire`;

async function producing(
  victim: Victim,
  options: Parameters<Kafka['producer']>[0],
  signal: AbortSignal,
  use: (producer: Producer) => Promise<void>,
): Promise<void> {
  const producer = kafka(victim).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    // One try: what is sent twice is there twice, unless the producer is idempotent.
    retry: { retries: options?.idempotent === true ? 5 : 0 },
    ...options,
  });
  try {
    await insist(() => producer.connect(), signal);
    await use(producer);
  } finally {
    await producer.disconnect();
  }
}

/** What was sent without an answer is there or not; nobody can tell. */
async function declaredBy(declared: Declared, foreign: Foreign, send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
    for (const id of foreign.ids) declared.foreign.add(id);
    declared.foreignWithoutId += foreign.withoutId;
  } catch {
    for (const id of foreign.ids) declared.perhaps.add(id);
    declared.perhapsWithoutId += foreign.withoutId;
  }
}
