/** A lake that is moved, emptied, exchanged or cut behind a landing's back: what each step says, and what is left alone. */
import { execFileSync } from 'node:child_process';
import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { KnownLake, OpenedLake, OrdersLake } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { summary } from '../../../adapters/lake/reading/reader';
import {
  accepted,
  batch,
  contentsOf,
  entryFor,
  freshLake,
  openLake,
  quarantined,
  write,
  storageAt,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;
let opened: OpenedLake;
/** What a landing knows after the three batches of each test. */
let known: KnownLake;

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake());
  opened = await openLake(lake);
  for (const id of [1, 2, 3]) await land(lake, id);
  known = { lake: opened.identity, sequence: 3 };
});
afterEach(() => remove());

async function land(to: OrdersLake, id: number): Promise<void> {
  const own = { ...batch(id), epoch: opened.epoch };
  const rows = { accepted: [accepted(id)], quarantined: [quarantined('{}', { offset: id })] };
  await to.commit(entryFor(own, await write(to, own, rows)));
}

const open = (landed: Record<string, string> = {}, accept = false) =>
  lake.open({ runId: 'a test', scheduledAt: Date.now(), landed, accept });

test('a lake has one identity, wherever it is moved and however often it is opened', async () => {
  expect(await lake.confirm(known)).toEqual(opened.identity);
  expect((await openLake(lake)).identity.id).toBe(opened.identity.id);
  await fs.rename(path, join(root, 'elsewhere'));
  await fs.rename(`${path}_quarantine`, join(root, 'elsewhere_quarantine'));
  await fs.symlink(join(root, 'elsewhere'), path);
  await fs.symlink(join(root, 'elsewhere_quarantine'), `${path}_quarantine`);
  expect(await lake.confirm(known)).toEqual(opened.identity);
  expect((await openLake(lake)).last?.sequence).toBe(3);
});

test('a landing of an earlier version, which knows of no identity, learns it; a lake of one gets it when it is opened', async () => {
  expect(await lake.confirm({ sequence: 3 })).toEqual(opened.identity);
  await fs.rm(join(path, '_ledger/id'));
  expect(await lake.confirm({ sequence: 3 })).toBeUndefined();
  const { identity } = await openLake(lake);
  expect(await lake.confirm({ sequence: 3 })).toEqual(identity);
});

test('another lake at the same path, or workers with another path, are a mismatch that names both', async () => {
  const other = createOrdersLake({ path: join(root, 'staging'), compression: 'snappy' }, SILENT);
  const { identity } = await openLake(other);
  await expect(other.confirm(known)).rejects.toMatchObject({
    type: 'LakeMismatch',
    message: expect.stringMatching(/staging \(id .*has opened .*lake \(id /) as string,
  });
  expect(identity.id).not.toBe(opened.identity.id);
});

const away: Record<string, [change: () => Promise<unknown>, found: RegExp]> = {
  'moved away': [() => fs.rename(path, join(root, 'moved')), /the directory .*lake is not there/],
  'an empty directory, as of a disk that is not mounted': [
    async () => {
      await fs.rename(path, join(root, 'moved'));
      await fs.mkdir(path);
    },
    /the lake .*lake is empty/,
  ],
  'without its ledger': [
    () => fs.rename(join(path, '_ledger'), join(root, 'ledger')),
    /has 1 date directories, but its ledger \(_ledger\) has no entry/,
  ],
  'an older copy': [() => fs.rm(join(path, '_ledger/0000000003.json')), /ends with entry 2/],
};
describe.each(Object.keys(away))('the lake is %s', (name) => {
  beforeEach(() => away[name]![0]());

  test('a running landing says so and tries again; nothing is made there', async () => {
    const before = await contentsOf(root);
    const failure = lake.confirm(known);
    await expect(failure).rejects.toThrow(away[name]![1]);
    await expect(failure).rejects.toThrow(
      /has written entry 3 .*Put it back as it was: landing goes on by itself/,
    );
    await expect(failure).rejects.not.toHaveProperty('type');
    expect(await contentsOf(root)).toEqual(before);
  });

  test('a landing that is started there refuses, by the offsets that the group has committed', async () => {
    const failure = open({ '0': '30' });
    await expect(failure).rejects.toMatchObject({ type: 'LakeMismatch' });
    await expect(failure).rejects.toThrow('the offsets below 0: 30 have landed');
  });

  test('an operator may take it as it is: files of no entry are kept where readers do not see them', async () => {
    const { last } = await open({ '0': '30' }, true);
    expect((await summary(storageAt(path))).rows).toBe(last?.sequence ?? 0);
    const aside = Object.keys(await contentsOf(root)).filter((file) => file.includes('_aside/'));
    expect(aside).toHaveLength({ 'without its ledger': 6, 'an older copy': 2 }[name] ?? 3);
  });
});

test('put back it goes on', async () => {
  await fs.rename(path, join(root, 'moved'));
  await fs.mkdir(path);
  await expect(lake.confirm(known)).rejects.toThrow('is empty');
  await fs.rmdir(path);
  await fs.rename(join(root, 'moved'), path);
  expect(await lake.confirm(known)).toEqual(opened.identity);
  await land(lake, 4);
});

test('a ledger that ends where the group does, or before it by the last commit alone, is whole', async () => {
  expect((await open({ '0': '30' })).last?.sequence).toBe(3);
  expect((await open({ '0': '20' })).last?.sequence).toBe(3);
  await expect(open({ '0': '31' })).rejects.toMatchObject({ type: 'LakeMismatch' });
});

test('a new lake is opened where the group has no offsets, or none beyond where the lake began', async () => {
  const fresh = createOrdersLake({ path: join(root, 'fresh'), compression: 'snappy' }, SILENT);
  const openFresh = (landed: Record<string, string>) =>
    fresh.open({ runId: 'a test', scheduledAt: Date.now(), landed });
  const { epoch } = await openFresh({});
  await fresh.beginning(epoch, { begin: { '0': '5' } });
  await openFresh({ '0': '5' });
  await expect(openFresh({ '0': '6' })).rejects.toMatchObject({ type: 'LakeMismatch' });
});

test('the id alone was removed: it is written again; one that was cut names the command that helps', async () => {
  const id = join(path, '_ledger/id');
  await fs.rm(id);
  expect(await lake.confirm(known)).toEqual(opened.identity);
  await fs.truncate(id, 3);
  const message = await lake.confirm(known).then(String, String);
  execFileSync('sh', ['-c', /(rm .*)$/.exec(message)![1]!]);
  expect(await lake.confirm(known)).toEqual(opened.identity);
});

test('where a lake began was cut: the command of the message helps', async () => {
  const fresh = createOrdersLake({ path: join(root, 'fresh lake'), compression: 'snappy' }, SILENT);
  const { epoch } = await openLake(fresh);
  const begin = { '0': '5' };
  await fresh.beginning(epoch, { begin });
  await fs.truncate(join(root, 'fresh lake/_ledger/begin'), 3);
  const message = await fresh.beginning(epoch, { begin }).then(String, String);
  execFileSync('sh', ['-c', /(rm .*)$/.exec(message)![1]!]);
  expect(await fresh.beginning(epoch, { begin })).toEqual({ begin });
});

describe('the directory _staging', () => {
  const rows = { accepted: [accepted(4)], quarantined: [] };

  test('removed under a landing is said to be so, and not laid to another landing', async () => {
    await fs.rm(join(path, '_staging'), { recursive: true });
    await expect(write(lake, { ...batch(4), epoch: opened.epoch }, rows)).rejects.toMatchObject({
      type: 'LakeMismatch',
      message: expect.stringContaining(
        'was removed, and no other landing has opened the lake since',
      ) as string,
    });
    // The epochs go on rising, so that the ledger stays in order.
    const { epoch } = await openLake(lake);
    expect(epoch).toBe(opened.epoch + 1);
    await write(lake, { ...batch(4), epoch }, rows);
  });

  test('a record in it that was cut keeps nobody from opening the lake', async () => {
    await fs.truncate(join(path, `_staging/000000000${opened.epoch}.json`), 5);
    expect((await openLake(lake)).epoch).toBe(opened.epoch + 1);
  });

  test('gone with the whole quarantine says where that was', async () => {
    await fs.rename(`${path}_quarantine`, join(root, 'q'));
    const own = { ...batch(4), epoch: opened.epoch };
    const bad = { accepted: [], quarantined: [quarantined('{}', { offset: 31 })] };
    await expect(write(lake, own, bad)).rejects.toThrow(/lake_quarantine is gone\. Was it moved/);
    await fs.rm(`${path}_quarantine`, { recursive: true, force: true });
    await fs.rename(join(root, 'q'), `${path}_quarantine`);
    await write(lake, own, bad);
  });
});

describe('the newest entry', () => {
  const entry = () => join(path, '_ledger/0000000003.json');
  const commit = () => lake.commit({ ...entryFor({ ...batch(4), epoch: opened.epoch }), previousHash: hash });
  let hash: string;
  beforeEach(async () => ({ hash = '' } = await openLake(lake).then((one) => ((opened = one), one))));

  test('that was edited is not built upon by a landing that knows it', async () => {
    const kept = await fs.readFile(entry(), 'utf8');
    await fs.writeFile(entry(), kept.replace('"read"', ' "read"'));
    await expect(commit()).rejects.toMatchObject({
      type: 'LakeMismatch',
      message: expect.stringMatching(/0000000003\.json, the ledger's newest entry, was changed/) as string,
    });
    await fs.writeFile(entry(), kept);
    await commit();
  });

  test('that was cut is named, with both ways out; without a copy its batch lands again', async () => {
    await fs.truncate(entry(), 20);
    const message = await open({ '0': '30' }).then(String, String);
    expect(message).toMatch(/0000000003\.json is not a ledger entry.*until a copy of it is put back/);
    execFileSync('sh', ['-c', /(mv .*?) and land/.exec(message)![1]!]);
    expect((await open({ '0': '30' }, true)).last?.sequence).toBe(2);
    expect((await summary(storageAt(path))).rows).toBe(2);
  });
});

test('a lake in the quarantine of another is refused', async () => {
  const inner = createOrdersLake({ path: `${path}_quarantine`, compression: 'snappy' }, SILENT);
  await expect(openLake(inner)).rejects.toMatchObject({
    type: 'LakeMismatch',
    message: expect.stringContaining('is the quarantine of the lake') as string,
  });
  const outer = createOrdersLake({ path: join(root, 'outer'), compression: 'snappy' }, SILENT);
  await openLake(createOrdersLake({ path: join(root, 'outer_quarantine'), compression: 'snappy' }, SILENT));
  await expect(openLake(outer)).rejects.toMatchObject({ type: 'LakeMismatch' });
});
