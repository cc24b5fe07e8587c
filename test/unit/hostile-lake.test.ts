/** Files of the lake that somebody has changed, replaced or linked elsewhere: nothing is read for ever, or written elsewhere. */
import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import { createWatermarkFile } from '../../adapters/state-file';
import { auditLake } from '../../reconcile/audit';
import { edited, holds, HOSTILE_TIMEOUT_MS, jsonText } from '../helpers/hostile';
import { accepted, batch, contentsOf, openLake, storageAt, temporaryDirectory, write } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';
import { DAY, edit, entryPath, lake, path, problems, type Json } from './audited-lake';

jest.setTimeout(HOSTILE_TIMEOUT_MS);

const epoch = (number: number) => join(path, '_staging', `${String(number).padStart(10, '0')}.json`);
const pipe = (at: string) => execFileSync('mkfifo', [at]);

test('an entry that names a file elsewhere is a finding, and no file is touched', async () => {
  for (const name of [
    '../../../etc/passwd',
    `${DAY}/../../outside`,
    '/etc/passwd',
    '_ledger/0000000001.json',
    'part-0000000002-0123456789ab.parquet',
    `${DAY}/part-0000000002-0123456789ab.parquet\u0000`,
    'x'.repeat(100_000),
  ]) {
    edit(2, (entry) => ((entry['files'] as Json[])[0]!['path'] = name));
    expect((await problems())[0]).toMatch(
      /^entry-unreadable _ledger\/0000000002.json .*is no name of a part file.*files\[0\].path/,
    );
  }
  await expect(lake.entry(2)).rejects.toMatchObject({ type: 'BatchNotLandable' });
  edit(3, (entry) => (entry['files'] = [{ path: '../x', rows: 1, bytes: 1, sha256: '' }]));
  const before = await contentsOf(path);
  await expect(openLake(lake)).rejects.toThrow('is not a ledger entry');
  expect(await contentsOf(path)).toEqual(before);
});

test('a pipe, a directory, gigabytes, or a copy of another in the place of an entry is a finding', async () => {
  const odd: ((at: string) => void)[] = [
    pipe,
    (at) => fs.mkdirSync(at),
    (at) => (fs.writeFileSync(at, ''), fs.truncateSync(at, 5 * 1024 ** 3)),
    (at) => fs.copyFileSync(entryPath(1), at),
    (at) => fs.writeFileSync(at, '['.repeat(1_000_000)),
  ];
  for (const put of odd) {
    fs.rmSync(entryPath(3), { recursive: true });
    put(entryPath(3));
    expect((await problems())[0]).toMatch(/^entry-(unreadable|changed|wrong) _ledger\/0000000003.json/);
    await expect(lake.lastEntry()).rejects.toThrow('is not a ledger entry');
  }
});

test('whatever is changed in an entry, the audit ends and nothing beside the lake is read or written', async () => {
  const right = fs.readFileSync(entryPath(2));
  const entries = fc.oneof(
    edited(right),
    jsonText.map((text) => Buffer.from(text)),
    mixed(JSON.parse(right.toString()) as Json),
  );
  await holds(
    fc.asyncProperty(entries, async (bytes) => {
      fs.writeFileSync(entryPath(2), bytes);
      const { clean } = await auditLake(storageAt(path));
      expect(clean).toBe(bytes.equals(right));
    }),
    12,
  );
});

/** The entry with one value in it replaced by another one of its own, or by what is none. */
function mixed(entry: Json): fc.Arbitrary<Buffer> {
  const text = JSON.stringify(entry);
  const values = [...text.matchAll(/(?<=[:[,])("[^"]*"(?!:)|\d+)/g)];
  const other = [
    'null',
    '-1',
    '1e999',
    '"9".repeat(30)',
    '"../x"',
    '{}',
    '[[[]]]',
    ...values.map(([value]) => value),
  ];
  return fc.tuple(fc.constantFrom(...values), fc.constantFrom(...other)).map(([{ index, 0: old }, value]) => {
    return Buffer.from(text.slice(0, index) + value + text.slice(index + old.length));
  });
}

describe('a directory of the lake that is a link to somewhere else', () => {
  let elsewhere: string;
  beforeEach(() => {
    elsewhere = join(path, '..', 'elsewhere');
    fs.mkdirSync(elsewhere);
    for (const name of [
      'part-0000000004-0123456789ab.parquet',
      'closed.1',
      '0000000001.json',
      '_probe_rename',
    ])
      fs.writeFileSync(join(elsewhere, name), 'of somebody else');
  });
  const link = (name: string) => {
    fs.rmSync(join(path, name), { recursive: true, force: true });
    fs.symlinkSync(elsewhere, join(path, name));
  };

  test.each(['_ledger', '_staging'])('is not written to when the lake is opened: %s', async (name) => {
    link(name);
    const before = await contentsOf(elsewhere);
    await expect(openLake(lake)).rejects.toThrow(/leads out of .*elsewhere/);
    expect(await contentsOf(elsewhere)).toEqual(before);
  });

  test('gets no file, loses none, and once it is replaced landing goes on', async () => {
    link('date=2025-12-01');
    const before = await contentsOf(elsewhere);
    const rows = { accepted: [accepted(9, { createdAt: '2025-12-01T00:00:00Z' })], quarantined: [] };
    await expect(write(lake, batch(4), rows)).rejects.toThrow(/leads out of .*elsewhere/);
    // What looks there like a left-over of ours would be removed.
    await expect(openLake(lake)).rejects.toThrow(/leads out of .*elsewhere/);
    await expect(storageAt(path).lake.remove('date=2025-12-01/closed.1')).rejects.toThrow('leads out of');
    await expect(
      storageAt(path).lake.move('date=2025-12-01/closed.1', '_aside/date=2025-12-01/x'),
    ).rejects.toThrow('leads out of');
    expect(await contentsOf(elsewhere)).toEqual(before);
    fs.rmSync(join(path, 'date=2025-12-01'));
    expect((await write(lake, { ...batch(4), epoch: 2 }, rows)).files).toHaveLength(1);
  });

  test('a file that is a link is replaced, and what it led to stays', async () => {
    const victim = join(elsewhere, 'closed.1');
    const rows = { accepted: [accepted(9)], quarantined: [] };
    const [{ path: name } = { path: '' }] = (await write(lake, batch(4), rows)).files;
    fs.rmSync(join(path, name));
    fs.symlinkSync(victim, join(path, name));
    await write(lake, batch(4), rows, { again: true });
    expect(fs.lstatSync(join(path, name)).isSymbolicLink()).toBe(false);
    expect(fs.readFileSync(victim, 'utf8')).toBe('of somebody else');
  });

  test('the lake itself may be one', async () => {
    fs.renameSync(path, join(path, '..', 'real'));
    fs.symlinkSync(join(path, '..', 'real'), path);
    await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT));
    expect(await problems()).toEqual([]);
  });
});

describe('the record of who owns the lake', () => {
  test('that holds something else tells of nobody', async () => {
    const others = ['null', '[]', '{"scheduledAt":"x"}', '{"scheduledAt":1e300,"runId":{}}', '\u0000'];
    for (const [at, text] of others.entries()) {
      fs.writeFileSync(epoch(at + 1), text);
      await expect(openLake(lake)).resolves.toMatchObject({ epoch: at + 2 });
    }
  });

  test('that is a pipe tells of nobody; of the last number there is, the landing stops and says what to do', async () => {
    fs.rmSync(epoch(1));
    pipe(epoch(1));
    await expect(openLake(lake)).resolves.toMatchObject({ epoch: 2 });
    fs.writeFileSync(epoch(9_999_999_999), '{}');
    await expect(openLake(lake)).rejects.toMatchObject({ type: 'LakeMismatch' });
    fs.rmSync(epoch(9_999_999_999));
    await expect(openLake(lake)).resolves.toMatchObject({ epoch: 3 });
  });
});

describe('the state file', () => {
  const fresh = async () => {
    const { path: directory, remove } = await temporaryDirectory();
    return { directory, remove, file: join(directory, 'last_processed_timestamp.txt') };
  };

  test('whatever it holds: a watermark, or what is wrong with it', async () => {
    const { directory, file, remove } = await fresh();
    const right = Buffer.from('2025-11-18 10:00:00.123456|1\n');
    const odd = [Buffer.alloc(100_000, '1'), Buffer.from(`2025-11-18|${'9'.repeat(4_000)}`)];
    await holds(
      fc.asyncProperty(fc.oneof(edited(right), fc.constantFrom(...odd)), async (bytes) => {
        fs.writeFileSync(file, bytes);
        const read = await createWatermarkFile(directory)
          .read()
          .catch((error: unknown) => error);
        if (read instanceof Error) expect(read).toMatchObject({ type: 'InvalidSettings' });
        else expect(read).toMatchObject({ createdAt: expect.stringMatching(/^.{26}Z$/) as string });
      }),
    );
    fs.rmSync(file);
    pipe(file);
    await expect(createWatermarkFile(directory).read()).rejects.toMatchObject({ type: 'InvalidSettings' });
    await remove();
  });

  test('is not written through a link that somebody has put where it is made', async () => {
    const { directory, file, remove } = await fresh();
    const victim = join(directory, 'victim');
    fs.writeFileSync(victim, 'of somebody else');
    fs.symlinkSync(victim, `${file}.${process.pid}.tmp`);
    fs.symlinkSync(victim, file);
    await createWatermarkFile(directory).write({ createdAt: '2025-11-18T10:00:00.123456Z', orderId: '1' });
    expect(fs.readFileSync(victim, 'utf8')).toBe('of somebody else');
    expect(fs.lstatSync(file).isFile()).toBe(true);
    await remove();
  });
});
