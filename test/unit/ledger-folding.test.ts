/** A ledger that is kept short: whatever is stopped where, it says the same, and whoever reads it beside sees the same. */
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Storage } from '../../ports';
import { checkpointOf } from '../../adapters/lake/ledger/checkpoint';
import { checkpointLedger } from '../../adapters/lake/ledger/fold-ledger';
import { LakeLog } from '../../adapters/lake/ledger/lake-log';
import { walkLedger } from '../../adapters/lake/ledger/ledger-walk';
import { readEntry } from '../../adapters/lake/ledger/ledger';
import { apply, emptyState } from '../../adapters/lake/ledger/log-state';
import { entryName, segmentName } from '../../adapters/lake/files';
import { createOrdersLake } from '../../adapters/lake/writing';
import { auditLake } from '../../reconcile/audit';
import { storageAt, temporaryDirectory } from '../helpers/lake';
import { addEntries, longEntry } from '../helpers/long-ledger';
import { SILENT } from '../helpers/telemetry';

/** A ledger of some entries is as one of thousands. */
jest.mock('../../adapters/lake/ledger/sizes', () => ({
  SEGMENT_ENTRIES: 10,
  SINGLE_ENTRIES: 10,
  CHECKPOINT_EVERY: 10,
}));

/** As few as fold a segment, and some. */
const LAST = 25;
const CHECKPOINT = `_ledger/checkpoints/${String(LAST).padStart(10, '0')}.json.gz`;
let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: Storage;
let hash: string;
/** What a ledger says that nobody has folded. */
let whole: string;

beforeAll(async () => {
  ({ path: root, remove } = await temporaryDirectory());
  hash = addEntries(join(root, 'single'), { to: LAST });
  whole = await tell(storageAt(join(root, 'single')).lake);
  use('single');
  expect(await keepShort()).toMatchObject({
    checkpoint: LAST,
    folded: 10,
    removed: 10,
    more: false,
    blocked: [],
  });
  fs.renameSync(path, join(root, 'folded'));
});
afterAll(() => remove());
afterEach(() => jest.restoreAllMocks());

let copies = 0;
/** A copy of a ledger, by links: what a test changes it removes and writes anew. */
function use(ledger: 'single' | 'folded'): void {
  path = join(root, `lake ${(copies += 1)}`);
  execFileSync('cp', ['-al', join(root, ledger), path]);
  ({ lake } = storageAt(path));
}
function change(name: string, bytes: string | Uint8Array): void {
  fs.rmSync(file(name));
  fs.writeFileSync(file(name), bytes);
}

const { signal } = new AbortController();
const keepShort = (of = lake) => checkpointLedger(of, new LakeLog(of), signal);
const file = (name: string) => join(path, name);
const names = (directory: string) => fs.readdirSync(file(directory)).sort();
const singles = () => names('_ledger').filter((name) => name.endsWith('.json')).length;

/** All that the ledger says: each entry's hash, and what they come to. */
async function tell(of: Storage): Promise<string> {
  const [hashes, state]: [string[], ReturnType<typeof emptyState>] = [[], emptyState()];
  for await (const { sequence, sha256, entry } of walkLedger(of)) {
    hashes.push(`${sequence} ${sha256}`);
    if (entry !== undefined) apply(state, entry);
  }
  return JSON.stringify([hashes, checkpointOf(state, '')]);
}
const stateOf = async (log: LakeLog) => JSON.stringify(checkpointOf(await log.state(), ''));

test('old entries go into segments, byte for byte; the newest stay, and a checkpoint is there', async () => {
  use('folded');
  expect(singles()).toBe(15);
  expect(names('_ledger/segments')).toEqual(['0000000001-0000000010.json.gz']);
  expect(names('_ledger/checkpoints')).toEqual(['0000000025.json.gz']);
  expect(await tell(lake)).toBe(whole);
  expect(await readEntry(lake, 7)).toMatchObject(longEntry(7));
  expect(await keepShort()).toMatchObject({ checkpoint: LAST, folded: 0, removed: 0, blocked: [] });
});

/** Fails after the change with this number. */
function stoppedAfter(change: number): Storage {
  let changes = 0;
  const stop = async <T>(done: Promise<T>) => {
    const result = await done;
    if ((changes += 1) === change) throw new Error('stopped');
    return result;
  };
  const stopped = storageAt(path).lake;
  stopped.put = (...all) => stop(lake.put(...all));
  stopped.putIfAbsent = (...all) => stop(lake.putIfAbsent(...all));
  stopped.remove = (...all) => stop(lake.remove(...all));
  return stopped;
}

test('stopped after each step it says the same, and goes on', async () => {
  use('single');
  // The checkpoint, the segment, a first removal, half of them, the rest but one.
  for (const changes of [1, 1, 1, 4, 4]) {
    await expect(keepShort(stoppedAfter(changes))).rejects.toThrow('stopped');
    expect(await tell(lake)).toBe(whole);
  }
  expect(singles()).toBe(16);
  expect(await keepShort()).toMatchObject({ checkpoint: LAST, folded: 0, removed: 1, blocked: [] });
});

test('two at once, and readers beside them, see the same', async () => {
  use('single');
  let done = false;
  const folding = Promise.all([keepShort(), keepShort()]).finally(() => void (done = true));
  const seen = new Set<string>();
  while (!done) seen.add(await tell(lake));
  expect((await folding).flatMap(({ blocked }) => blocked)).toEqual([]);
  expect([...seen]).toEqual([whole]);
  expect(singles()).toBe(15);
});

test('one that stood still while its place was folded goes on from there', async () => {
  use('single');
  const later = fs.readdirSync(file('_ledger')).filter((name) => name > '0000000007.json');
  for (const name of later) fs.rmSync(file(`_ledger/${name}`));
  const log = new LakeLog(lake);
  expect((await log.state()).sequence).toBe(7);
  for (const name of later) fs.linkSync(join(root, 'single/_ledger', name), file(`_ledger/${name}`));
  await keepShort();
  fs.rmSync(file('_ledger/checkpoints'), { recursive: true });
  expect(await stateOf(log)).toBe(await stateOf(new LakeLog(lake)));
});

describe('opening', () => {
  test('reads the newest checkpoint and what came after it', async () => {
    use('folded');
    addEntries(path, { from: LAST + 1, to: LAST + 4, after: hash });
    const get = jest.spyOn(lake, 'get');
    expect((await new LakeLog(lake).state()).sequence).toBe(LAST + 4);
    // The checkpoint, the entry that it is after, and four more.
    expect(get.mock.calls).toHaveLength(6);
  });

  const broken: Record<string, () => void> = {
    'cut short': () => change(CHECKPOINT, fs.readFileSync(file(CHECKPOINT)).subarray(0, 100)),
    'a directory': () => (fs.rmSync(file(CHECKPOINT)), fs.mkdirSync(file(CHECKPOINT))),
    'of gigabytes': () => (change(CHECKPOINT, ''), fs.truncateSync(file(CHECKPOINT), 3 * 1024 ** 3)),
    'of entries that are lost': () => fs.rmSync(file(entryName(LAST))),
  };
  test.each(Object.keys(broken))('a checkpoint %s is as good as none', async (name) => {
    use('folded');
    broken[name]!();
    const { sequence, lake: dates } = await new LakeLog(lake).state();
    expect(sequence).toBe(name === 'of entries that are lost' ? LAST - 1 : LAST);
    expect([...dates.values()].reduce((sum, { size }) => sum + size, 0)).toBe(sequence);
  });
});

test('entries that are lost behind a checkpoint keep a landing from going on, unless it takes the lake as it is', async () => {
  use('folded');
  const landing = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  const open = (accept: boolean) => landing.open({ runId: 'a test', scheduledAt: Date.now(), accept });
  expect((await open(false)).last?.sequence).toBe(LAST);
  fs.rmSync(file(entryName(LAST)));
  await expect(open(false)).rejects.toMatchObject({
    type: 'LakeMismatch',
    message: expect.stringContaining(`there is a checkpoint of entry ${LAST}`) as string,
  });
  expect((await open(true)).last?.sequence).toBe(LAST - 1);
  expect((await open(false)).last?.sequence).toBe(LAST - 1);
});

test('a range with an entry that is missing, unreadable, or does not follow is not folded, and it is told', async () => {
  use('single');
  const right = fs.readFileSync(file(entryName(5)));
  for (const [bytes, told] of [
    [`${right.toString()} `, 'entry 6 does not follow the one before it'],
    ['{', 'entry 5 is unreadable'],
    [undefined, 'entry 5 is missing'],
  ] as const) {
    if (bytes === undefined) fs.rmSync(file(entryName(5)));
    else change(entryName(5), bytes);
    const { folded, blocked } = await keepShort();
    expect(blocked.join('\n')).toContain(told);
    expect(folded).toBe(0);
  }
  expect(fs.existsSync(file('_ledger/segments'))).toBe(false);
});

test('an entry that is not what its segment holds stays, and it is told', async () => {
  use('folded');
  const own = fs.readFileSync(join(root, 'single', entryName(3)));
  fs.writeFileSync(file(entryName(3)), `${own.toString()} `);
  expect((await keepShort()).blocked).toEqual([expect.stringContaining('is not the entry 3')]);
  expect(await tell(lake)).toBe(whole);
  change(entryName(3), own);
  expect(await keepShort()).toMatchObject({ removed: 1, blocked: [] });
});

test('the audit proves the same chain beside a folding, and finds what was changed in segments and checkpoints', async () => {
  use('single');
  const proved = async () => {
    const { ledger, problems } = await auditLake(storageAt(path));
    const others = problems.filter(({ kind }) => kind !== 'file-missing');
    return [ledger.entries, ...others.map(({ kind, where }) => `${kind} ${where}`)];
  };
  const [beside] = await Promise.all([proved(), keepShort()]);
  expect(beside).toEqual([LAST]);
  change(CHECKPOINT, gzipSync('{}'));
  expect(await proved()).toEqual([LAST, `checkpoint-wrong ${CHECKPOINT}`]);
  change(segmentName(1, 10), fs.readFileSync(file(segmentName(1, 10))).subarray(0, 100));
  expect(await proved()).toEqual([
    16,
    'entry-unreadable _ledger/segments/0000000001-0000000010.json.gz',
    'entry-missing _ledger/0000000011.json',
  ]);
});
