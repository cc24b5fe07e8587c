/** An S3 store that is busy, slow, breaks off, loses answers or is no store for a lake. */
import { stat } from 'node:fs/promises';
import { openStorage } from '../../../adapters/lake/storage';
import { Bucket } from '../../../adapters/lake/storage/s3/bucket';
import { S3Storage } from '../../../adapters/lake/storage/s3/s3-storage';
import { Scratch } from '../../../adapters/lake/storage/s3/scratch';
import type { Storage } from '../../../ports';
import { freshS3 } from '../../helpers/s3';
import { s3Front, type S3Front } from '../../helpers/s3-front';

const bytes = (text: string) => Buffer.from(text);
const ALWAYS = { times: 1_000 };

let front: S3Front;
let place: ReturnType<typeof freshS3>;
let storage: Storage;
/** Past the weather. */
let direct: Storage;

beforeEach(async () => {
  place = freshS3();
  front = await s3Front(place.s3.endpoint);
  direct = openStorage(place).lake;
  storage = openStorage(through()).lake;
});
afterEach(() => front.close());

const through = () => ({ ...place, s3: { ...place.s3, endpoint: front.url } });

/** With other limits than a lake has. */
function limited({
  timeouts,
  mostBytes,
}: {
  timeouts?: { answerMs: number; stallMs: number };
  mostBytes?: number;
}) {
  const [, , name = '', prefix = ''] = place.path.split('/');
  const bucket = new Bucket(name, through().s3, timeouts);
  return new S3Storage(bucket, prefix, new Scratch(bucket, mostBytes));
}

test('a slot that was taken while the answer was lost is ours, and nobody else’s', async () => {
  front.next('answer lost', { method: 'PUT' });
  expect(await storage.putIfAbsent('_ledger/1', bytes('ours'))).toBe(true);
  front.next('answer lost', { method: 'PUT' });
  expect(await storage.putIfAbsent('_ledger/1', bytes('other'))).toBe(false);
  expect(await direct.get('_ledger/1')).toEqual(bytes('ours'));
});

test.each(['put', 'putIfAbsent'] as const)(
  '%s: a lost answer, a busy store and a slow one pass',
  async (write) => {
    for (const weather of ['answer lost', 'busy', 'slow'] as const) {
      front.next(weather, { method: 'PUT' });
      await storage[write](weather, bytes(weather));
      expect(await direct.get(weather)).toEqual(bytes(weather));
    }
  },
);

test('a conditional write that meets another one is tried again', async () => {
  front.next('conflict', { times: 3 });
  expect(await storage.putIfAbsent('one', bytes('one'))).toBe(true);
  front.next('conflict', ALWAYS);
  await expect(storage.putIfAbsent('two', bytes('two'))).rejects.toMatchObject({
    code: 'ConditionalRequestConflict',
  });
});

test('a body that breaks off is read again; one that does so always is told', async () => {
  const long = Buffer.alloc(300_000, 'x');
  await direct.put('long', long);
  front.next('half', { times: 2 });
  expect((await storage.get('long'))?.equals(long)).toBe(true);
  front.next('half', { times: 2 });
  expect(await storage.fingerprint('long')).toEqual(await direct.fingerprint('long'));
  front.next('half', { times: 2 });
  await storage.withPaths(['long'], async ([path = '']) => expect((await stat(path)).size).toBe(long.length));
  front.next('half', ALWAYS);
  await expect(storage.get('long')).rejects.toThrow(`get ${storage.locate('long')} failed`);
});

test('a store that is silent, or stops within a body, is given up and asked again', async () => {
  const short = limited({ timeouts: { answerMs: 200, stallMs: 200 } });
  await direct.put('long', Buffer.alloc(300_000, 'x'));
  front.next('silent', { method: 'GET' });
  front.next('stalled', { method: 'GET' });
  expect((await short.get('long'))?.length).toBe(300_000);
  front.next('silent', { method: 'PUT' });
  expect(await short.putIfAbsent('one', bytes('one'))).toBe(true);
});

test('what lasts is an error with a code, that says what failed, how often and why', async () => {
  front.next('busy', ALWAYS);
  await expect(storage.get('one')).rejects.toMatchObject({
    code: 'SlowDown',
    message: `get ${storage.locate('one')} failed (4 attempts): SlowDown`,
  });
  await front.close();
  // jest's errors are not Node's, so the client wraps them and leaves their code out.
  const refused = { name: 'S3Error', message: expect.stringContaining('ECONNREFUSED') as unknown };
  await expect(storage.list('')).rejects.toMatchObject(refused);
  await expect(openStorage(through()).probe()).rejects.toMatchObject(refused);
});

describe('a store for no lake is refused by name', () => {
  const refusal = (what: string) => ({
    type: 'LakeNotWritable',
    message: expect.stringContaining(what) as unknown,
  });

  test.each([
    ['ignores conditions', 'its store ignores If-None-Match'],
    ['races', 'of 8 conditional writes at once'],
  ] as const)('%s', async (weather, told) => {
    front.next(weather, ALWAYS);
    const lake = openStorage(through());
    await expect(lake.probe()).rejects.toMatchObject(refusal(told));
    await expect(lake.tryOut('quarantine')).rejects.toMatchObject(refusal(lake.quarantine.location));
    expect(await direct.list('')).toEqual([]);
  });

  test('a bucket that is not there', async () => {
    const lake = openStorage({ ...place, path: 's3://not-there/lake' });
    await expect(lake.probe()).rejects.toMatchObject(refusal('make that bucket'));
  });

  test.each([
    ['AWS_SECRET_ACCESS_KEY', 'wrong', 'SignatureDoesNotMatch'],
    ['AWS_ACCESS_KEY_ID', 'wrong', 'access key'],
    ['AWS_ACCESS_KEY_ID', undefined, 'CredentialsProviderError'],
  ])('credentials: %s %s', async (name, value, told) => {
    // Nobody is asked who is not there.
    process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
    await expect(openStorage(place).probe()).rejects.toMatchObject(refusal(told));
    await expect(openStorage(place).probe()).rejects.toMatchObject(refusal('AWS_SECRET_ACCESS_KEY'));
  });
});

describe('copies for libraries that read files', () => {
  const sizes = (paths: string[]) => Promise.all(paths.map(async (path) => (await stat(path)).size));

  test('come once, all at a time, and only while they are there', async () => {
    const names = Array.from({ length: 40 }, (_, n) => `date=2025-11-18/part-${n}`);
    await Promise.all(names.map((name, n) => direct.put(name, Buffer.alloc(n + 1))));
    const look = () => storage.withPaths(names, sizes);
    const [one, other] = await Promise.all([look(), look()]);
    expect(one).toEqual(names.map((_, n) => n + 1));
    expect(other).toEqual(one);
    expect(await look()).toEqual(one);
    expect(front.requests()).toBe(names.length);
    await expect(storage.withPaths(['nothing'], sizes)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('the oldest go when all are too large, but none that is read', async () => {
    const small = limited({ mostBytes: 250 });
    const names = ['a', 'b', 'c', 'd'];
    for (const name of names) await direct.put(name, Buffer.alloc(100));
    for (const name of names) expect(await small.withPaths([name], sizes)).toEqual([100]);
    const before = front.requests();
    await small.withPaths(['c', 'd'], async (paths) => {
      expect(front.requests()).toBe(before);
      await small.withPaths(['a', 'b'], sizes);
      expect(await sizes(paths)).toEqual([100, 100]);
    });
    await small.withPaths(['d'], sizes);
    expect(front.requests()).toBe(before + 2);
  });
});
