import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { OrdersLake } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import {
  accepted,
  batch,
  contentsOf,
  entryFor,
  openLake,
  quarantined,
  temporaryDirectory,
  write,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeEach(async () => {
  ({ path: root, remove } = await temporaryDirectory());
  path = join(root, 'lake');
  lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
});

afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

describe('cleanup', () => {
  const rows = { accepted: [accepted(1)], quarantined: [quarantined('{}')] };
  const DATE = 'date=2025-11-18';

  beforeEach(async () => void (await openLake(lake)));

  test('removes what attempts left, and nothing else', async () => {
    await lake.commit(entryFor(batch(1), await write(lake, batch(1), rows)));
    const others = await write(lake, batch(2, 10, 17), rows);
    await lake.commit(entryFor(batch(2), await write(lake, batch(2), rows)));
    for (const orphan of [
      'lake/_SUCCESS',
      'lake/.hidden.tmp',
      `lake/${DATE}/part-00000-5f6c.c000.snappy.parquet`,
      `lake/${DATE}/.part-00000-5f6c.c000.snappy.parquet.crc`,
      `lake/${DATE}/part-0000000009-1a2b3c4d5e6f.parquet.bak`,
      'lake/notes/part-0000000009-1a2b3c4d5e6f.parquet',
      'lake/_ledger/.0000000009.json.swp',
    ]) {
      await fs.mkdir(join(root, orphan, '..'), { recursive: true });
      await fs.writeFile(join(root, orphan), 'x');
    }
    const ofOthers = new Set([...others.files, ...others.quarantineFiles].map(({ path: file }) => file));
    const before = Object.fromEntries(
      Object.entries(await contentsOf(root)).filter(
        ([name]) => !ofOthers.has(name.slice(name.indexOf('/') + 1)),
      ),
    );

    const leftovers = [
      `lake/${DATE}/.part-0000000003-1a2b3c4d5e6f.parquet.00112233445566ff.tmp`,
      'lake/._probe_link.00112233445566ff.tmp',
      'lake/_ledger/.0000000003.json.00112233445566ff.tmp',
      `lake_quarantine/${DATE}/.part-0000000001-1a2b3c4d5e6f.parquet.00112233445566ff.tmp`,
    ];
    for (const leftover of leftovers) await fs.writeFile(join(root, leftover), 'x');
    await write(lake, batch(3), rows);

    const { removed } = await openLake(lake);
    expect(await contentsOf(root)).toEqual(before);
    expect(removed).toHaveLength(leftovers.length + 4);
    expect(removed).toEqual(expect.arrayContaining(leftovers.map((leftover) => join(root, leftover))));
    expect((await openLake(lake)).removed).toEqual([]);
  });

  test('of a lake without an entry removes the first batch only', async () => {
    await write(lake, batch(1), rows);
    expect((await openLake(lake)).removed).toHaveLength(2);
    expect(await contentsOf(root)).toEqual({});
  });

  test('refuses to empty a lake whose ledger lost entries', async () => {
    for (const sequence of [1, 2, 3]) await write(lake, batch(sequence), rows);
    const before = await contentsOf(root);
    await expect(openLake(lake)).rejects.toMatchObject({ type: 'LakeMismatch' });
    expect(await contentsOf(root)).toEqual(before);
  });

  test('of a directory that does not exist removes nothing', async () => {
    await fs.rm(path, { recursive: true });
    expect((await openLake(lake)).removed).toEqual([]);
  });
});

describe('ensure', () => {
  test('makes the directories, again and again, and leaves nothing in them', async () => {
    await lake.ensure();
    await lake.ensure();
    expect((await fs.readdir(root)).sort()).toEqual(['lake', 'lake_quarantine']);
    expect(await fs.readdir(path)).toEqual(['_ledger']);
    expect(await contentsOf(root)).toEqual({});
  });

  test('a path below a file is refused with the path, the reason, the user and the remedy', async () => {
    await fs.writeFile(join(root, 'file'), '');
    lake = createOrdersLake({ path: join(root, 'file', 'lake'), compression: 'snappy' }, SILENT);
    await expect(lake.ensure()).rejects.toMatchObject({
      type: 'LakeNotWritable',
      message: expect.stringMatching(
        /^The lake directory .*\/file\/lake cannot be written by user \S+: .*ENOTDIR.* To do: .*choose another path, or set datalake\.path\.$/,
      ) as string,
    });
  });

  test.each(['link', 'rename'] as const)('a file system without %s is refused', async (call) => {
    jest.spyOn(fs, call).mockRejectedValue(Object.assign(new Error('EPERM: injected'), { code: 'EPERM' }));
    await expect(lake.ensure()).rejects.toMatchObject({ type: 'LakeNotWritable' });
  });

  test('a full disk is transient', async () => {
    jest
      .spyOn(fs, 'rename')
      .mockRejectedValue(Object.assign(new Error('ENOSPC: injected'), { code: 'ENOSPC' }));
    await expect(lake.ensure()).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('a directory of another user is refused', async () => {
    await fs.chmod(root, 0o755);
    const script = `
      process.setuid(65534);
      const { createOrdersLake } = require('./adapters/lake/writing');
      createOrdersLake({ path: process.argv[1], compression: 'snappy' }, { log: {} }).ensure()
        .catch((error) => console.log(error.type + ' ' + error.message));`;
    // Loaded as root: another user may not even read the checkout.
    const preloaded = `require('./adapters/lake/writing');${script}`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--import',
      'tsx',
      '-e',
      preloaded,
      path,
    ]);
    expect(stdout).toMatch(/^LakeNotWritable .*EACCES.* To do: give that user write access/);
  });
});
