/** What a storage must do for a lake to be right, whatever its files are on: run it against each kind. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LakeStorage, Storage, StorageWriter } from '../../../ports';

const bytes = (text: string) => Buffer.from(text);
const owner = { runId: 'a test', scheduledAt: 1 };
const CONFLICT = { type: 'LandingConflict' };
const REFUSED = 'is no name of a file below';

/** @param open another client of the same storage, which was empty when the test began */
export function storageContract(open: () => LakeStorage): void {
  let storage: LakeStorage;
  let lake: Storage;
  beforeEach(async () => {
    storage = open();
    ({ lake } = storage);
    await storage.probe();
  });
  const textOf = async (name: string) => (await open().lake.get(name))?.toString();
  const take = (above = 0) => storage.takeEpoch(owner, { above, onlyOwn: false });

  /** The storage itself, and as the owner of an epoch. */
  const writers: [string, () => Promise<StorageWriter>][] = [
    ['unfenced', () => Promise.resolve(lake)],
    ['fenced', async () => storage.writer('lake', await take())],
  ];

  describe.each(writers)('a writer, %s,', (_kind, write) => {
    let writer: StorageWriter;
    beforeEach(async () => (writer = await write()));

    test('puts a file for all to see, replaces it, and asks before other bytes are replaced', async () => {
      const beforeReplacing = jest.fn(() => Promise.reject(new Error('kept')));
      await writer.put('date=2025-11-18/one', bytes('first'), { beforeReplacing });
      await writer.put('date=2025-11-18/one', bytes('first'), { beforeReplacing });
      expect(beforeReplacing).not.toHaveBeenCalled();
      const replacing = writer.put('date=2025-11-18/one', bytes('second'), { beforeReplacing });
      await expect(replacing).rejects.toThrow('kept');
      expect(await textOf('date=2025-11-18/one')).toBe('first');
      for (const content of ['second', 'second', '']) {
        await writer.put('date=2025-11-18/one', bytes(content));
        expect(await textOf('date=2025-11-18/one')).toBe(content);
      }
      expect(await lake.list('date=2025-11-18')).toEqual(['one']);
    });

    test('puts a copy of a file for all to see, in the place of another', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'orders-file-'));
      const file = join(directory, 'file');
      try {
        for (const content of ['', 'x'.repeat(300_000), 'short']) {
          await writeFile(file, content);
          await writer.putFile('date=2025-11-18/one', file);
          expect(await textOf('date=2025-11-18/one')).toBe(content);
        }
        await expect(writer.putFile('date=2025-11-18/two', join(directory, 'none'))).rejects.toThrow(
          'ENOENT',
        );
        expect(await lake.list('date=2025-11-18')).toEqual(['one']);
      } finally {
        await rm(directory, { recursive: true });
      }
    });

    test('of several puts at once leaves one whole, and readers never see half of one', async () => {
      const contents = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(300_000));
      let done = false;
      const writing = Promise.all(contents.map((content) => writer.put('x/y', bytes(content)))).finally(
        () => void (done = true),
      );
      while (!done) expect([undefined, ...contents]).toContain(await textOf('x/y'));
      await writing;
      expect(contents).toContain(await textOf('x/y'));
      expect(await lake.list('x')).toEqual(['y']);
    });

    test('of twenty that take one name one wins, each of ten times, and its bytes stay', async () => {
      for (let round = 0; round < 10; round += 1) {
        const texts = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(10_000));
        const name = `_ledger/${round}`;
        const won = await Promise.all(texts.map((text) => writer.putIfAbsent(name, bytes(text))));
        expect(won.filter(Boolean)).toHaveLength(1);
        expect(await textOf(name)).toBe(texts[won.indexOf(true)]);
        expect(await writer.putIfAbsent(name, bytes('later'))).toBe(false);
      }
      expect(await lake.list('_ledger')).toHaveLength(10);
    });

    test('moves a file, or says that it cannot', async () => {
      if (lake.renames) return;
      await writer.put('a/one', bytes('one'));
      await expect(writer.move('a/one', 'a/two')).rejects.toThrow('has no renames');
      expect(await lake.list('a')).toEqual(['one']);
    });

    test('moves a file in the place of another; where there is none it says so, and makes nothing', async () => {
      if (!lake.renames) return;
      await writer.put('a/new', bytes('new'));
      await writer.put('a/old', bytes('old'));
      expect(await writer.move('a/new', 'a/old')).toBe(true);
      expect(await writer.move('a/new', 'a/old')).toBe(false);
      expect(await textOf('a/old')).toBe('new');
      expect(await writer.move('a/old', 'b/c/moved')).toBe(true);
      expect(await textOf('b/c/moved')).toBe('new');
      expect(await writer.move('a/old', 'd/moved')).toBe(false);
      expect(await lake.list('a')).toEqual([]);
      expect(await lake.head('d')).toBeUndefined();
    });

    test('removes a file, and one that is not there', async () => {
      await writer.put('a/one', bytes('x'));
      for (let again = 0; again < 2; again += 1) await writer.remove('a/one');
      await writer.remove('nowhere/nothing');
      expect(await lake.head('a/one')).toBeUndefined();
    });

    test.each([...'/etc/passwd ../outside a/../../outside .. a//b a/ ./a'.split(' '), 'a\0b', ''])(
      'refuses the name %j',
      async (name) => {
        const calls = [
          () => writer.put(name, bytes('x')),
          () => writer.putIfAbsent(name, bytes('x')),
          () => writer.putFile(name, __filename),
          () => writer.remove(name),
          () => writer.move(name, 'a'),
          () => writer.move('a', name),
        ];
        for (const call of calls) await expect(call()).rejects.toThrow(REFUSED);
      },
    );
  });

  test.each([
    ...`date=2025-11-18 it's [x] *b? %2F ..a .hidden _private #&+; ünïcödé`.split(' '),
    'a b',
    '🍛',
  ])('the odd name %s is a name like any other', async (odd) => {
    const name = `${odd}/${odd}`;
    await lake.put(name, bytes(odd));
    expect(await lake.putIfAbsent(name, bytes('x'))).toBe(false);
    expect(await lake.list('')).toContain(odd);
    expect(await lake.list(odd)).toEqual([odd]);
    expect(await textOf(name)).toBe(odd);
    expect(lake.nameOf(lake.locate(name))).toBe(name);
    expect(lake.nameOf(storage.quarantine.locate(name))).toMatch(/^\.\./);
  });

  test('tells the size and the hash of a file, and what is none', async () => {
    await lake.put('date=2025-11-18/b', bytes('b'));
    expect(await lake.head('date=2025-11-18/b')).toEqual({ bytes: 1, isFile: true });
    expect(await lake.head('date=2025-11-18')).toMatchObject({ isFile: false });
    expect(await lake.fingerprint('date=2025-11-18')).toBeUndefined();
    expect(await lake.fingerprint('date=2025-11-18/b')).toEqual({
      bytes: 1,
      sha256: '3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d',
    });
  });

  test('what is absent is undefined, also below a file', async () => {
    await lake.put('file', bytes('x'));
    for (const name of ['nothing', 'nowhere/nothing', 'file/nothing']) {
      expect(await lake.get(name)).toBeUndefined();
      expect(await lake.head(name)).toBeUndefined();
      expect(await lake.fingerprint(name)).toBeUndefined();
    }
    expect(await lake.list('nowhere')).toEqual([]);
  });

  test('lists all of many names, in order', async () => {
    const names = Array.from({ length: 2_100 }, (_, index) => String(index).padStart(10, '0'));
    for (let at = 0; at < names.length; at += 100)
      await Promise.all(
        names.slice(at, at + 100).map((name) => lake.putIfAbsent(`log/${name}`, bytes(name))),
      );
    expect(await open().lake.list('log')).toEqual(names);
  });

  test('of an older epoch neither files nor removals come through, in lake and quarantine; the newest has both', async () => {
    const older = await take();
    const writer = storage.writer('lake', older);
    await writer.put('a/kept', bytes('kept'));
    const newer = await take();
    expect(newer).toBe(older + 1);
    for (const kind of ['lake', 'quarantine'] as const) {
      const late = storage.writer(kind, older);
      await expect(late.put('a/late', bytes('late'))).rejects.toMatchObject(CONFLICT);
      await expect(late.putFile('a/late', __filename)).rejects.toMatchObject(CONFLICT);
      await expect(late.putIfAbsent('a/late', bytes('late'))).rejects.toMatchObject(CONFLICT);
    }
    await expect(writer.remove('a/kept')).rejects.toMatchObject(CONFLICT);
    expect(await lake.list('a')).toEqual(['kept']);
    await storage.writer('lake', newer).remove('a/kept');
    expect(await lake.list('a')).toEqual([]);
    expect(await take(40)).toBe(41);
  });

  test('an attempt that was shut out shows and removes nothing, also when another of the same entry begins', async () => {
    if (!lake.renames) return;
    const epoch = await take();
    const [first, second, third] = [
      await storage.beginAttempt(epoch, 1),
      await storage.beginAttempt(epoch, 2),
      await storage.beginAttempt(epoch, 3),
    ];
    for (const kind of ['lake', 'quarantine'] as const) await second.writer(kind).put('a/kept', bytes('2'));
    await storage.closeAttempts(epoch, 2);
    const later = await storage.beginAttempt(epoch, 2);
    for (const kind of ['lake', 'quarantine'] as const) {
      for (const late of [first.writer(kind), second.writer(kind)]) {
        await expect(late.put('a/late', bytes('late'))).rejects.toThrow('came too late');
        await expect(late.putIfAbsent('a/late', bytes('late'))).rejects.toThrow('came too late');
        await expect(late.remove('a/kept')).rejects.toThrow('came too late');
      }
      for (const writer of [third.writer(kind), later.writer(kind)]) {
        await writer.put('a/shown', bytes('shown'));
        await writer.remove('a/shown');
      }
      expect(await storage[kind].list('a')).toEqual(['kept']);
    }
    await take();
    await expect(third.writer('lake').put('a/late', bytes('late'))).rejects.toMatchObject(CONFLICT);
    for (const attempt of [first, second, third, later]) await attempt.end();
  });

  test('says how it may be used, and leaves nothing behind', async () => {
    for (const kind of ['lake', 'quarantine'] as const) {
      expect(await storage.tryOut(kind)).toMatch(/^writable/);
      expect((await storage[kind].list('')).filter((name) => /probe|doctor/.test(name))).toEqual([]);
    }
    expect((await storage.room())?.freeBytes ?? 1).toBeGreaterThan(0);
  });
}
