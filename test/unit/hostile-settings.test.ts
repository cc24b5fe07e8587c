/** Settings, variables, requests and records that somebody has written by hand, or another program. */
import fc from 'fast-check';
import { parseTimestamp } from '../../domain/watermark';
import { loadOtlp } from '../../configs/otlp';
import { parseSettings } from '../../configs/load';
import { readCompareInput, readInput } from '../../domain/inputs';
import { beyondLimits, readRequest } from '../../domain/requests';
import { tableParts } from '../../domain/table-name';
import { copyLines } from '../../adapters/postgres/copy-lines';
import { decodeProgress } from '../../adapters/kafka/producer/progress-record';
import { edited, holds, HOSTILE_TIMEOUT_MS, jsonText } from '../helpers/hostile';

jest.setTimeout(HOSTILE_TIMEOUT_MS);

/** What it gives; undefined where it refuses with InvalidSettings, in some lines. */
function orRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    expect(error).toMatchObject({ type: 'InvalidSettings' });
    expect((error as Error).message.length).toBeLessThan(20_000);
    return undefined;
  }
}

const RIGHT = `postgres: { host: db, password: "\${PGPASSWORD:-x}", table: sales.orders }
kafka:
  brokers: [a:9092, b:9092]
  topic: orders
datalake: { path: &p /data/lake, compression: gzip }
streaming: { last_processed_timestamp_location: *p }
`;
const yaml = fc.oneof(
  edited(Buffer.from(RIGHT), 3).map(String),
  jsonText,
  fc
    .tuple(
      fc.constantFrom('postgres', 'kafka', 'cdc', 'datalake', '__proto__', 'constructor'),
      fc.string(),
      jsonText,
    )
    .map(([section, key, value]) => `${section}: {${JSON.stringify(key)}: ${value}}`),
);

test('whatever a settings file holds: settings, or what is wrong with it', () => {
  void holds(
    fc.property(yaml, (source) => {
      const settings = orRefused(() => parseSettings(source, 'file.yml', {}));
      if (settings === undefined) return;
      expect(settings.datalake.path).toMatch(/^\/(?!.*\/\.\.?(\/|$))[^\0]*[^\0/]$|^\/$/);
      expect(settings.kafka.topic).toMatch(/^(?!\.{1,2}$)[\w.-]{1,249}$/);
    }),
    200,
  );
});

test.each([
  [
    'aliases that multiply',
    ['a: &a [x,x,x,x,x,x,x,x,x]', ...'bcdefgh']
      .map((c, i, all) => (i === 0 ? c : `${c}: &${c} [${`*${all[i - 1]![0]},`.repeat(9)}]`))
      .join('\n'),
  ],
  ['an alias of itself', 'postgres: &p { host: *p }'],
  ['a key of Object', 'constructor: 1\n'],
  ['a key of Object in a section', 'postgres: { toString: 1, __proto__: { a: 1 } }'],
  ['a variable of Object', 'postgres: { host: "${constructor}" }'],
  ['a key without end', `${'x'.repeat(1_000_000)}: 1`],
  ['a value without end', `kafka: { num_partitions: ${'x'.repeat(1_000_000)} }`],
  ['levels without end', `postgres: ${'['.repeat(20_000)}`],
  ['a topic that is a path', 'kafka: { topic: ../x }'],
  ['a path with a byte that ends it', 'datalake: { path: "/a\\0b" }'],
  ['a broker without a port that exists', 'kafka: { brokers: "a:99999" }'],
])('%s: refused at once, in some lines', (_name, source) => {
  const begin = performance.now();
  expect(orRefused(() => parseSettings(source, 'file.yml', {}))).toBeUndefined();
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test('a text of beginnings of variables takes no time', () => {
  const begin = performance.now();
  const host = '${a:-'.repeat(50_000);
  expect(parseSettings(`postgres: { host: "${host}" }`, 'f', {}).postgres.host).toBe(host);
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test('a path is told from another by where it leads', () => {
  const path = (text: string) => parseSettings(`datalake: { path: "${text}" }`, 'f', {}).datalake.path;
  expect(path('/data/x/../lake/')).toBe('/data/lake');
  expect(path('/data//lake/.')).toBe('/data/lake');
});

test('whatever OpenTelemetry’s variables hold: where to, or what is wrong', () => {
  const value = fc.oneof(
    fc.string(),
    fc.constantFrom('http://c:4318', 'http://c:4318/', 'grpc', '%zz', 'a=%E0', '1e9', '-5', 'NaN'),
  );
  const names = ['ENDPOINT', 'PROTOCOL', 'HEADERS'].map((name) => `OTEL_EXPORTER_OTLP_${name}`);
  const env = fc.record(
    Object.fromEntries(
      [...names, 'OTEL_METRIC_EXPORT_INTERVAL', 'OTEL_SERVICE_NAME'].map((name) => [name, value]),
    ),
    { requiredKeys: [] },
  );
  void holds(
    fc.property(env, (variables) => {
      const otlp = orRefused(() => loadOtlp('metrics', variables));
      if (otlp === undefined) return;
      expect(otlp.intervalMs).toBeGreaterThan(0);
      expect(() => new URL(otlp.url)).not.toThrow();
      expect(() => new Headers(otlp.headers)).not.toThrow();
    }),
  );
});

test('whatever a request or an input holds: what is asked for, or why not', () => {
  const payload = fc.oneof(
    jsonText.map((text) => JSON.parse(text) as unknown),
    fc.anything({ withNullPrototype: true, withBigInt: true }),
    fc.record({ createdAt: fc.string(), orderId: fc.oneof(fc.string(), fc.double()) }, { requiredKeys: [] }),
    fc.record({
      offsets: fc.dictionary(fc.oneof(fc.nat().map(String), fc.string()), fc.oneof(fc.nat(), fc.string())),
    }),
  );
  void holds(
    fc.property(payload, (one) => {
      for (const signal of ['pause', 'resume', 'resetWatermark', 'resetOffsets', 'replayBatch'] as const) {
        const request = readRequest(signal, one);
        if (request.kind === 'refused') expect(request.problem.length).toBeLessThanOrEqual(500);
        else if (
          signal !== 'replayBatch' &&
          beyondLimits(signal, [one]) === undefined &&
          request.kind === 'resetOffsets'
        )
          for (const offset of Object.values(request.to))
            if (request.to !== 'earliest') expect(String(BigInt(offset)).length).toBeLessThan(20);
      }
      for (const read of [() => readInput([one], ['startFrom']), () => readCompareInput([one])])
        try {
          read();
        } catch (error) {
          expect((error as Error).name).toBe('RangeError');
        }
    }),
    500,
  );
});

test('whatever a name of a table holds, it is one or two parts, or none', () => {
  void holds(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('"', '.', 'a', ' ') })), (name) => {
      for (const part of tableParts(name) ?? []) expect(part).not.toBe('');
    }),
  );
  const begin = performance.now();
  tableParts('"'.repeat(200_000));
  expect(performance.now() - begin).toBeLessThan(1_000);
});

const place = { createdAt: '2025-11-18T10:00:00.123456Z', orderId: '1' };
const RECORD = {
  sequence: 3,
  lower: place,
  upper: place,
  rows: 1,
  topicId: 'x',
  late: { watch: null, missed: { backdated: 0, examples: [], from: null }, gaps: [] },
};

test('whatever stands in the place of the progress record: a record, or CaptureConflict', () => {
  const text = fc.oneof(edited(Buffer.from(JSON.stringify(RECORD)), 3).map(String), jsonText);
  void holds(
    fc.property(text, (metadata) => {
      try {
        const { lower, upper, late } = decodeProgress(metadata, 'orders');
        for (const { createdAt, orderId } of [lower, upper]) {
          // Earlier versions may have written one as an operator gave it.
          expect(parseTimestamp(createdAt)).toBeDefined();
          expect(BigInt.asIntN(64, BigInt(orderId))).toBe(BigInt(orderId));
        }
        if (late !== undefined)
          expect([late.gaps.length, late.missed.examples.length]).toEqual([
            expect.any(Number),
            expect.any(Number),
          ]);
      } catch (error) {
        expect(error).toMatchObject({ type: 'CaptureConflict' });
      }
    }),
    1_000,
  );
});

test('whatever pieces COPY comes in, its lines are the same; a line without a key ends it', async () => {
  const lines = [
    ['1', '{"a":"\u0000x"}'],
    ['', '{}'],
    ['-7', '日'.repeat(100)],
  ] as const;
  const whole = Buffer.from(lines.map(([key, value]) => `${key}\t${value}\n`).join(''));
  await holds(
    fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 8 }), async (cuts) => {
      const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
      const pieces = at.slice(1).map((end, i) => whole.subarray(at[i], end));
      const read = [];
      for await (const messages of copyLines(arriving(pieces))) read.push(...messages);
      expect(read.map(({ key, value }) => [key ?? '', value.toString()])).toEqual(lines);
    }),
  );
  for (const bad of ['no key\n', '1\t{}\nno key\n1\t{}\n', '1\t{}']) {
    await expect(drained(copyLines(arriving([Buffer.from(bad)])))).rejects.toThrow('COPY');
  }
});

async function* arriving(pieces: Buffer[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

async function drained(messages: AsyncIterable<unknown>): Promise<void> {
  for await (const one of messages) expect(one).toBeDefined();
}

test('an empty variable of OpenTelemetry counts as unset', () => {
  expect(loadOtlp('traces', { OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBeUndefined();
  const both = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: '', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c:4318' };
  expect(loadOtlp('traces', both)?.url).toBe('http://c:4318/v1/traces');
});
