import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { decompress } from '../../../adapters/kafka/records/codecs';
import { installJars } from '../../../dev/stack/servers/kafka-jars';
import { brokers, TopicFixture, upTo } from './helpers';

jest.setTimeout(180_000);

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
/** More than one of snappy-java's blocks and several record batches. */
const RECORDS = 20_000;

describe("messages of Kafka's own Java producer", () => {
  const fixture = new TopicFixture();
  const directory = mkdtempSync(join(tmpdir(), 'kafka-codecs-'));

  beforeAll(async () => {
    await fixture.create();
    const jars = await installJars(join(directory, 'maven.log'), () => undefined);
    await promisify(execFile)('java', [
      ...['-cp', join(jars, '*'), join(__dirname, 'KafkaForeignProducer.java')],
      ...[brokers().join(','), fixture.name, String(RECORDS), ...CODECS],
    ]);
  });
  afterAll(async () => {
    rmSync(directory, { recursive: true });
    await fixture.close();
  });

  test('are read in every compression that Kafka has', async () => {
    const topic = fixture.open();
    const messages = await fixture.readAll();
    const found = new Map(messages.map(({ key, value }) => [key?.toString(), value?.toString()]));
    for (const codec of CODECS) {
      for (const n of upTo(RECORDS)) {
        const value = `{"order_id":${n - 1},"customer_name":"日本語 🍜","item":"${codec}"}`;
        // Not `expect` each time: it is slow.
        if (found.get(`${codec}${n - 1}`) !== value) expect(found.get(`${codec}${n - 1}`)).toBe(value);
      }
    }
    expect(messages).toHaveLength(RECORDS * CODECS.length);
    for (const { key, partition } of messages.slice(0, 1_000)) {
      expect(topic.partitionOf(key?.toString() ?? '', 3)).toBe(partition);
    }
  });
});

describe('snappy', () => {
  test('of producers other than Java comes without frames', () => {
    // "hello" as one literal: its length, the tag of five bytes, the bytes.
    const bare = Buffer.from([5, 4 << 2, ...Buffer.from('hello')]);
    expect(decompress(2, bare).toString()).toBe('hello');
    const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
    const length = Buffer.from([0, 0, 0, bare.length]);
    expect(decompress(2, Buffer.concat([header, length, bare, length, bare])).toString()).toBe('hellohello');
  });

  test('an unknown compression is an error that says so', () => {
    expect(() => decompress(7, Buffer.alloc(0))).toThrow('codec 7');
  });
});
