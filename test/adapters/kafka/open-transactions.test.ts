/** A program writes into the topic in a transaction and never ends it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Transaction } from 'kafkajs';
import type { OrdersLake } from '../../../ports';
import { createClaimMicroBatch, type ClaimInput } from '../../../activities/landing/claim-micro-batch';
import { inspectKafka } from '../../../adapters/kafka/admin/inspect';
import {
  TransactionalProducer,
  transactionalIdOf,
} from '../../../adapters/kafka/producer/transactional-producer';
import { ConnectionPool } from '../../../adapters/kafka/transport/connection-pool';
import { RecordBatchBuilder } from '../../../adapters/kafka/records/record-batch';
import { describeOpenTransaction } from '../../../domain/open-transaction';
import { inActivity } from '../../helpers/activity';
import { kafkaCommandsIn, runKafkaTool } from '../../helpers/kafka-tools';
import { never, publishRows, rowsFrom, TopicFixture, windowOf } from './helpers';

jest.setTimeout(120_000);

const fixture = new TopicFixture();
const topic = fixture.open();
const claimMicroBatch = createClaimMicroBatch({
  topic,
  lake: {} as OrdersLake, // asked for nothing, since none is known
  maxOffsets: 1_000,
  waitMs: 500,
  stopping: new AbortController().signal,
});
const claim = (input: ClaimInput) => inActivity(() => claimMicroBatch(input));

let foreign: Transaction;
beforeAll(async () => {
  await fixture.create();
  foreign = await fixture.foreignTransaction();
  await foreign.send({ topic: fixture.name, messages: [{ key: 'k', value: '{}', partition: 1 }] });
});
afterAll(() => fixture.close());

test('counts as lag, is told once with who it is, and ends by the command in the message', async () => {
  await publishRows(topic, windowOf(1), () => rowsFrom(1, 10));
  const { stable, high } = await topic.offsets();
  expect(stable['1']).toBe('0');
  expect(BigInt(high['1']!)).toBeGreaterThan(1n);

  // All that can be read has landed; and what is told is no news once it is known.
  const next = { ...stable };
  await fixtureReadable(next);
  const told = await claim({ next });
  const lag = Number((await topic.offsets()).high['1']);
  expect(told).toMatchObject({
    ranges: [],
    lagOffsets: lag,
    heldBy: [
      {
        partition: 1,
        offset: '0',
        who: expect.stringMatching(/^transactional.id foreign-.*, producer id \d+$/) as string,
        since: expect.stringMatching(/^20/) as string,
        timeoutMs: 60_000,
      },
    ],
  });
  const heldBy = told.heldBy!;
  const quiet = claim({ next, heldBy }).then(() => 'told again');
  const waited = new Promise((resolve) => setTimeout(() => resolve('quiet'), 7_000));
  expect(await Promise.race([quiet, waited])).toBe('quiet');
  // The doctor sees the same.
  const facts = await inspectKafka(fixture.options());
  expect(facts.heldBy).toEqual(heldBy);

  const [abort, ...others] = kafkaCommandsIn(describeOpenTransaction(heldBy[0]!));
  expect(others).toEqual([]);
  await runKafkaTool(abort);
  await quiet;
  const after = await claim({ next, heldBy });
  expect(after.heldBy).toEqual([]);
  expect(after.ranges).toMatchObject([{ partition: 1, from: '0' }]);
  expect((await inspectKafka(fixture.options())).heldBy).toEqual([]);
});

test('of the capture itself is not told: its next attempt ends it', async () => {
  const pool = new ConnectionPool(fixture.options());
  try {
    await pool.run(undefined, async (connection) => {
      const { latest } = { latest: BigInt((await topic.offsets()).stable['2']!) };
      const producer = await TransactionalProducer.open(connection, transactionalIdOf(fixture.name), never);
      const batch = new RecordBatchBuilder(1_000);
      batch.append(null, Buffer.from('{}'));
      await producer.send([{ partition: 2, batch }], never);
      const place = { partition: 2, offset: latest };
      expect(BigInt((await topic.offsets()).stable['2']!)).toBe(latest);
      expect(await topic.openTransactions([place])).toEqual([]);
      await producer.abort(never);
    });
  } finally {
    pool.close();
  }
});

/** Moves `next` to all that readers may see, once it does not move any more. */
async function fixtureReadable(next: Record<string, string>): Promise<void> {
  for (;;) {
    const { stable, high } = await topic.offsets();
    Object.assign(next, stable);
    if (Object.keys(stable).every((p) => p === '1' || stable[p] === high[p])) return;
    await sleep(20);
  }
}
