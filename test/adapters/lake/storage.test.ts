/** What every storage of a lake must hold, whatever its files are on. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { openStorage } from '../../../adapters/lake/storage';
import type { LakeStorage, Storage, StorageWriter } from '../../../ports';
import { temporaryFolder } from '../../helpers/lake';

let root: string;
let remove: () => Promise<void>;
let storage: LakeStorage;
let lake: Storage;

beforeEach(async () => {
  ({ path: root, remove } = await temporaryFolder());
  storage = openStorage({ path: join(root, 'lake') });
  ({ lake } = storage);
  await storage.probe();
});
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

const bytes = (text: string) => Buffer.from(text);
const textOf = async (name: string) => (await lake.get(name))?.toString();
const opener = { runId: 'a test', scheduledAt: 1 };
const take = (above = 0) => storage.takeEpoch(opener, { above, onlyOwn: false });

/** The storage itself, and as the owner of an epoch. */
const writers: [string, () => Promise<StorageWriter>][] = [
  ['unfenced', () => Promise.resolve(lake)],
  ['fenced', async () => storage.writer('lake', await take())],
];

describe.each(writers)('a writer, %s', (_kind, open) => {
  let writer: StorageWriter;
  beforeEach(async () => (writer = await open()));

  test('puts a file, replaces it, and asks before other bytes are replaced', async () => {
    await writer.put('date=2025-11-18/one', bytes('first'));
    await writer.put('date=2025-11-18/one', bytes('first'), { beforeReplacing: refuse });
    await expect(
      writer.put('date=2025-11-18/one', bytes('second'), { beforeReplacing: refuse }),
    ).rejects.toThrow('kept');
    expect(await textOf('date=2025-11-18/one')).toBe('first');
    await writer.put('date=2025-11-18/one', bytes('second'));
    expect(await textOf('date=2025-11-18/one')).toBe('second');
    expect(await lake.list('date=2025-11-18')).toEqual(['one']);
  });

  test('of several that take one name one wins, and its bytes stay', async () => {
    const texts = Array.from({ length: 8 }, (_, n) => `writer ${n}`);
    const won = await Promise.all(texts.map((text) => writer.putIfAbsent('_ledger/name', bytes(text))));
    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await textOf('_ledger/name')).toBe(texts[won.indexOf(true)]);
    expect(await writer.putIfAbsent('_ledger/name', bytes('later'))).toBe(false);
    expect(await lake.list('_ledger')).toEqual(['name']);
  });

  test('moves a file in the place of another, and says where there is none', async () => {
    await writer.put('a/new', bytes('new'));
    await writer.put('a/old', bytes('old'));
    expect(await writer.move('a/new', 'a/old')).toBe(true);
    expect(await writer.move('a/new', 'a/old')).toBe(false);
    expect(await textOf('a/old')).toBe('new');
    expect(await writer.move('a/old', 'b/c/moved')).toBe(true);
    expect(await lake.list('a')).toEqual([]);
    expect(await textOf('b/c/moved')).toBe('new');
  });

  test('removes a file, and one that is not there', async () => {
    await writer.put('a/one', bytes('x'));
    await writer.remove('a/one');
    await writer.remove('a/one');
    expect(await lake.head('a/one')).toBeUndefined();
  });

  test('that fails leaves nothing, and keeps what was there', async () => {
    await writer.put('a/one', bytes('old'));
    const before = await fs.readdir(root, { recursive: true });
    jest.spyOn(fs, 'rename').mockRejectedValueOnce(new Error('EIO'));
    await expect(writer.put('a/one', bytes('new'))).rejects.toThrow('EIO');
    jest.spyOn(fs, 'link').mockRejectedValueOnce(new Error('EIO'));
    await expect(writer.putIfAbsent('a/two', bytes('new'))).rejects.toThrow('EIO');
    expect(await textOf('a/one')).toBe('old');
    expect(await fs.readdir(root, { recursive: true })).toEqual(before);
  });

  test.each(['/etc/passwd', '../outside', 'a/../../outside', '..'])('refuses the name %s', async (name) => {
    await expect(writer.put(name, bytes('x'))).rejects.toThrow('is no name of a file below');
    await expect(writer.putIfAbsent(name, bytes('x'))).rejects.toThrow('is no name of a file below');
    await expect(writer.remove(name)).rejects.toThrow('is no name of a file below');
    await expect(writer.move('a', name)).rejects.toThrow('is no name of a file below');
  });
});

test('reads what is there: bytes, size, hash, names in order; and says where there is nothing', async () => {
  for (const name of ['b', 'a [x] *b? ’', 'c']) await lake.put(`date=2025-11-18/${name}`, bytes(name));
  expect(await lake.list('date=2025-11-18')).toEqual(['a [x] *b? ’', 'b', 'c']);
  expect(await lake.head('date=2025-11-18/b')).toEqual({ bytes: 1, isFile: true });
  expect(await lake.head('date=2025-11-18')).toMatchObject({ isFile: false });
  expect(await lake.fingerprint('date=2025-11-18/b')).toEqual({
    bytes: 1,
    sha256: '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d',
  });
  for (const name of ['date=2025-11-19/b', 'nothing']) {
    expect(await lake.get(name)).toBeUndefined();
    expect(await lake.head(name)).toBeUndefined();
    expect(await lake.fingerprint(name)).toBeUndefined();
    expect(await lake.list(name)).toEqual([]);
  }
  expect(await lake.fingerprint('date=2025-11-18')).toBeUndefined();
  await expect(lake.get('../lake/date=2025-11-18/b')).rejects.toThrow('is no name of a file below');
});

test('a located name leads back to it, in the lake and beside it', () => {
  const name = 'date=2025-11-18/part [1].parquet';
  expect(lake.nameOf(lake.locate(name))).toBe(name);
  expect(lake.nameOf(storage.quarantine.locate(name))).toMatch(/^\.\./);
});

test('of an older epoch neither files nor removals come through, in lake and quarantine; the newest has both', async () => {
  const older = await take();
  const writer = storage.writer('lake', older);
  await writer.put('a/kept', bytes('kept'));
  const newer = await take();
  expect(newer).toBe(older + 1);
  const conflict = { type: 'LandingConflict' };
  for (const kind of ['lake', 'quarantine'] as const) {
    await expect(storage.writer(kind, older).put('a/late', bytes('late'))).rejects.toMatchObject(conflict);
    await expect(storage.writer(kind, older).putIfAbsent('a/late', bytes('x'))).rejects.toMatchObject(
      conflict,
    );
  }
  await expect(writer.remove('a/kept')).rejects.toMatchObject(conflict);
  expect(await lake.list('a')).toEqual(['kept']);
  await storage.writer('lake', newer).remove('a/kept');
  expect(await lake.list('a')).toEqual([]);
  expect(await take(40)).toBe(41);
});

test('what an attempt has half written goes with the batch, of older ones too', async () => {
  const epoch = await take();
  const staged = (sequence: number) =>
    join(
      root,
      `lake/_staging/000000000${epoch}/.part-000000000${sequence}-1a2b3c4d5e6f.parquet.00112233445566ff.tmp`,
    );
  for (const sequence of [1, 2, 3]) await fs.writeFile(staged(sequence), 'x');
  await storage.clearUnfinished(epoch, 2);
  await expect(fs.stat(staged(2))).rejects.toThrow('ENOENT');
  await fs.stat(staged(3));
});

function refuse(): Promise<void> {
  return Promise.reject(new Error('kept'));
}
