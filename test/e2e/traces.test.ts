/**
 * What real workers send of a pipeline to a collector: one trace from the poll to the ledger entry; and that nothing else
 * changes, whether it is sent, cannot be sent, or is not made.
 */
import { createServer } from 'node:net';
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs';
import { startCollector, type Collector, type ReceivedSpan } from '../../dev/traces/collector';
import type { Workers } from '../../dev/workers';
import { expectExactlyOnce } from '../helpers/exactly-once';
import {
  ORDERS_TABLE,
  eventually,
  freshNamespace,
  freshPipeline,
  type FreshPipeline,
} from '../helpers/pipeline';
import { startWithTemporalCli, startWorkers } from '../helpers/processes';
import { eventsOf, linesOf, sentTo } from '../helpers/told';

jest.setTimeout(120_000);

let pipeline: FreshPipeline;
let close: () => Promise<void>;
let workers: Workers;
let collector: Collector;
let inserted = 0;
/** When the workers of now were started. */
let insertedBefore = 0;

/** Every third breaks a rule, so that the quarantine is written, too. */
async function insert(rows: number): Promise<void> {
  await pipeline.pool.query(`
    INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
    SELECT 'Zaphod Beeblebrox', 'Milliways', 'Pan Galactic', i % 3, 'PLACED' FROM generate_series(1, ${rows}) i`);
  inserted += rows;
}
const start = async (env: Record<string, string>) => {
  workers = await startWorkers({ ...pipeline, env: { ...pipeline.env, LOG_LEVEL: 'info', ...env } });
};
const tracing = (ratio: string) => ({
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
  OTEL_TRACES_SAMPLER_ARG: ratio,
  // So that a test need not wait as long as a collector in trouble may take.
  OTEL_BSP_SCHEDULE_DELAY: '100',
  OTEL_EXPORTER_OTLP_TIMEOUT: '300',
});
const lines = () => linesOf(workers);
const events = (name: string) => eventsOf(workers, name);
const landed = () =>
  eventually(() => {
    const rows = events('batch_landed').reduce((sum, { read }) => sum + Number(read), 0);
    expect(rows).toBe(inserted - insertedBefore);
  });
/** The messages by kafkajs's consumer, as another reader of the topic gets them. */
async function messages(): Promise<KafkaMessage[]> {
  const { brokers, topic } = pipeline.settings.kafka;
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: `${topic}-reader-${Date.now()}` });
  const all: KafkaMessage[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void all.push(message)) });
  await eventually(() => expect(all.length).toBe(inserted));
  await consumer.disconnect();
  return all;
}
const headersOf = (all: KafkaMessage[]) =>
  all
    .flatMap(({ headers = {} }) => Object.entries(headers).map(([name, value]) => `${name} ${String(value)}`))
    .sort();

beforeAll(async () => {
  collector = await startCollector();
  pipeline = await freshPipeline();
  ({ close } = await freshNamespace(pipeline.name));
});
afterAll(async () => {
  await workers.kill();
  await collector.close();
  await close();
  await pipeline.dispose();
});

describe('with a ratio of 1', () => {
  let trace: ReceivedSpan[];
  const all = (name: string) => trace.filter((span) => span.name === name);
  /** The first of them: a commit becomes readable partition by partition, so a window may land in two batches. */
  const named = (name: string): ReceivedSpan => {
    const [first] = all(name);
    if (first === undefined) throw new Error(`no span ${name}`);
    return first;
  };
  const below = ({ spanId }: ReceivedSpan) =>
    trace.filter(({ parentId }) => parentId === spanId).map(({ name }) => name);
  const sum = (name: string, figure: string) =>
    all(name).reduce((total, { attributes }) => total + Number(attributes[figure]), 0);

  beforeAll(async () => {
    await start(tracing('1'));
    await startWithTemporalCli(pipeline);
    await insert(60);
    await landed();
    await eventually(() => {
      trace = collector.spans.filter(({ traceId }) => traceId === collector.spans[0]?.traceId);
      expect(all('advanceWatermark').length).toBe(1);
      expect(all('commitMicroBatch').length).toBe(events('batch_landed').length);
    });
  });

  test('one trace goes from the poll to the ledger entry, through both processes', () => {
    const [poll, publish, claim, land, commit] = [
      named('poll'),
      named('publish'),
      named('claimMicroBatch'),
      named('landMicroBatch'),
      named('commitMicroBatch'),
    ];
    expect(poll.parentId).toBe('');
    const parents = [publish, claim, land, commit].map(({ parentId }) => parentId);
    expect(parents).toEqual([poll, publish, publish, land].map(({ spanId }) => spanId));
    expect(named('advanceWatermark').parentId).toBe(publish.spanId);
    const queues = [poll, publish, claim, land, commit].map(({ resource }) => resource['orders.queue']);
    expect(queues).toEqual(['capture', 'capture', 'land', 'land', 'land']);
    const order = [poll.begin, poll.end, publish.begin, land.begin, land.end, commit.begin, commit.end];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(trace.filter(({ failed }) => failed)).toEqual([]);
  });

  test('database, Kafka and storage have spans below the activities', () => {
    expect(below(named('poll'))).toEqual(expect.arrayContaining(['postgres horizon', 'postgres nextWindow']));
    expect(below(named('publish'))).toContain('kafka publish');
    expect(below(named('kafka publish'))).toEqual(
      expect.arrayContaining(['postgres read', 'kafka produce', 'kafka commit']),
    );
    expect(below(named('claimMicroBatch'))).toContain('kafka offsets');
    expect(below(named('landMicroBatch'))).toEqual(expect.arrayContaining(['kafka read', 'lake writeBatch']));
    expect(below(named('kafka read'))).toContain('kafka fetch');
    expect(below(named('lake writeBatch'))).toContain('lake put');
    expect(below(named('commitMicroBatch'))).toEqual(
      expect.arrayContaining(['lake commit', 'kafka commitGroupOffsets']),
    );
    for (const { begin, end } of trace) expect(end).toBeGreaterThanOrEqual(begin);
  });

  test('spans have figures and names', () => {
    const ids = {
      'temporal.workflow.id': 'orders-land',
      'temporal.workflow.run_id': expect.any(String) as string,
      'temporal.activity.attempt': 1,
    };
    expect(named('landMicroBatch').attributes).toMatchObject({
      ...ids,
      'orders.offsets': expect.stringMatching(/^\d: \d+\.\.\d+/) as string,
    });
    expect(sum('landMicroBatch', 'orders.rows')).toBe(60);
    expect(sum('landMicroBatch', 'orders.rows.landed')).toBe(40);
    expect(sum('landMicroBatch', 'orders.rows.quarantined')).toBe(20);
    expect(named('publish').attributes).toMatchObject({ 'orders.rows': 60 });
    expect(named('commitMicroBatch').attributes).toMatchObject({ ...ids, 'orders.outcome': 'landed' });
    expect(named('poll').resource).toMatchObject({
      'service.name': 'orders-stream',
      'orders.topic': pipeline.settings.kafka.topic,
    });
  });

  test('a poll that finds nothing makes no span', async () => {
    const windows = () => events('window_published').length;
    await eventually(() =>
      expect(collector.spans.filter(({ name }) => name === 'poll').length).toBe(windows()),
    );
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(windows());
  });

  test('lines of the log name the span in which they were logged', () => {
    const idOf = (name: string) => {
      const { traceId, spanId } = named(name);
      return { traceId, spanId };
    };
    expect(events('window_published')).toContainEqual(expect.objectContaining(idOf('publish')));
    expect(events('batch_landed')).toContainEqual(expect.objectContaining(idOf('commitMicroBatch')));
  });

  test('the first record of a batch has a header, and whoever reads the topic reads all', async () => {
    const { traceId, spanId } = named('publish');
    const headers = headersOf(await messages());
    expect(new Set(headers)).toContain(`traceparent 00-${traceId}-${spanId}-01`);
    const publishes = events('window_published').length;
    // One a partition.
    expect(headers.length).toBeLessThanOrEqual(3 * publishes);
    expect(await expectExactlyOnce(pipeline)).toBe(inserted);
  });

  test('nothing of a row is in what is sent', () => {
    expect(collector.requests.length).toBeGreaterThan(0);
    expect(sent()).toMatch(/publish/);
    expect(sent()).not.toMatch(/Zaphod|Milliways|Galactic/);
  });
  const sent = () => sentTo(collector);

  test('a collector that is away is told once, also when it is back, and changes nothing', async () => {
    const { port } = new URL(collector.url);
    await collector.close();
    for (let n = 0; n < 3; n += 1) {
      await insert(3);
      await landed();
    }
    await eventually(() => expect(events('traces_not_sent').length).toBeGreaterThan(0));
    collector = await startCollector(Number(port));
    await insert(3);
    await landed();
    await eventually(() => expect(events('traces_sent_again').length).toBeGreaterThan(0));
    for (const queue of ['capture', 'land'])
      for (const event of ['traces_not_sent', 'traces_sent_again'])
        expect(events(event).filter((line) => line['queue'] === queue).length).toBeLessThanOrEqual(1);
  });

  test('a collector that never answers does not keep a worker from stopping', async () => {
    const { port } = new URL(collector.url);
    await collector.close();
    const silent = createServer();
    await new Promise<void>((resolve) => silent.listen(Number(port), '127.0.0.1', resolve));
    await insert(3);
    await landed();
    expect(await workers.stop()).toBeLessThan(8_000);
    silent.close();
  });
});

test('with a ratio of 0 the same workflows go on: no span is sent, no record has a header, no line an id', async () => {
  const before = headersOf(await messages());
  collector = await startCollector();
  insertedBefore = inserted;
  await start(tracing('0'));
  await insert(6);
  await landed();
  expect(headersOf(await messages())).toEqual(before);
  expect(collector.spans).toEqual([]);
  expect(lines().filter((line) => 'traceId' in line)).toEqual([]);
  expect(await expectExactlyOnce(pipeline)).toBe(inserted);
});
