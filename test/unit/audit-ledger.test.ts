/** What an audit says of the ledger: its chain, offsets, failed batches, topics and partitions. */
import { appendFileSync, cpSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hiddenName } from '../../adapters/lake/reading';
import { createOrdersLake } from '../../adapters/lake/writing';
import { auditLake } from '../../reconcile/audit';
import { accepted, batch, entryFor, openLake, write, storageAt } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';
import { path, lake, entryPath, type Json, edit, append, partOf, problems, DAY, EMPTY } from './audited-lake';

test('a removed entry in the middle, at the beginning, at the end', async () => {
  const kept = readFileSync(entryPath(2));
  rmSync(entryPath(2));
  expect(await problems()).toEqual([
    expect.stringMatching(/^entry-missing _ledger\/0000000003.json entry 2 is missing/),
    expect.stringMatching(/^file-unlisted date=2025-11-18\/part-0000000002-/),
    expect.stringMatching(/^file-unlisted lake_quarantine\/date=2025-11-18\/part-0000000002-/),
  ]);
  writeFileSync(entryPath(2), kept);
  rmSync(entryPath(3));
  rmSync(entryPath(2));
  expect(await problems()).toEqual([]); // as good as never committed
  expect((await auditLake(storageAt(path))).notes).toHaveLength(2);
  rmSync(entryPath(1));
  expect((await problems()).join('\n')).toMatch(
    /part-0000000002-.* is of batch 2, but the ledger ends with 0/,
  );
});

test('an entry that was edited, and one that is no entry', async () => {
  edit(2, (entry) => (entry['committedAt'] = '2020-01-01T00:00:00.000Z'), false);
  expect(await problems()).toEqual([
    expect.stringMatching(/^entry-changed _ledger\/0000000003.json does not hold the hash of entry 2/),
  ]);
  appendFileSync(entryPath(2), '}');
  expect((await problems())[0]).toMatch(/^entry-unreadable _ledger\/0000000002.json is not a ledger entry/);
});

test('offsets with an overlap, with a gap, and where the next batch goes on', async () => {
  const range = (from: string, to: string) => (entry: Json) =>
    (entry['ranges'] = [{ partition: 0, from, to }]);
  edit(2, range('8', '20'));
  expect(await problems()).toEqual([
    expect.stringMatching(
      /^offsets _ledger\/0000000002.json .* at 8, not at 10: the offsets 8 to 9 were landed twice/,
    ),
  ]);
  edit(2, range('12', '20'));
  expect(await problems()).toEqual([
    expect.stringMatching(/^offsets _ledger\/0000000002.json .* the offsets 10 to 11 were never landed/),
  ]);
  edit(2, (entry) => {
    range('10', '20')(entry);
    entry['next'] = { '0': '25' };
    entry['reached'] = { '0': '25' };
  });
  expect(await problems()).toEqual([
    expect.stringMatching(/^offsets _ledger\/0000000002.json goes on at offset 25 of partition 0, not at 20/),
    expect.stringMatching(/^offsets _ledger\/0000000003.json .* at 20, not at 25/),
  ]);
});

test('a recorded reset explains a jump', async () => {
  const next = { '0': '5' };
  append(4, {
    ranges: [{ partition: 0, from: '0', to: '5' }],
    next,
    reached: { '0': '30' },
    counts: { ...EMPTY, read: 2, duplicate: 2 },
    files: [],
    quarantineFiles: [],
    resets: [{ from: { '0': '30' }, to: { '0': '0' }, reason: null, at: '2025-11-20T00:00:00.000Z' }],
  });
  expect(await problems()).toEqual([]);
  edit(4, (entry) => delete entry['resets']);
  expect(await problems()).toEqual([
    expect.stringMatching(/^offsets _ledger\/0000000004.json .* at 0, not at 30/),
  ]);
});

test('counts that do not add up', async () => {
  edit(2, (entry) => Object.assign(entry['counts'] as Json, { read: 20, failures: { order_id_null: 5 } }));
  expect(await problems()).toEqual([
    expect.stringMatching(/^counts .* read 20 messages, but counts 1 landed \+ 0 duplicate \+ 1 quarantined/),
    expect.stringMatching(/^counts .* read 20 messages from 10 offsets/),
    expect.stringMatching(/^counts .* counts 5 rows that break order_id_null among 1 quarantined/),
  ]);
});

describe('failed batches and replays', () => {
  const NOTHING = { counts: EMPTY, files: [], quarantineFiles: [] };
  const range = (from: number, to: number) => [{ partition: 0, from: String(from), to: String(to) }];
  const parked = { type: 'DataLoss', message: 'gone' };
  const at = (offset: string) => ({ next: { '0': offset }, reached: { '0': offset } });

  test('a failed batch is clean and named; replayed, its files count', async () => {
    append(4, { ...NOTHING, ...at('40'), ranges: range(30, 40), parked, unlanded: [4], epoch: 7 });
    expect(await auditLake(storageAt(path))).toMatchObject({ clean: true, parked: [4] });

    const again = { signal: new AbortController().signal, hiddenFor: 5 };
    const written = await lake.writeBatch(batch(4), { accepted: [accepted(40)], quarantined: [] }, again);
    for (const { path: file } of written.files) {
      const [directory = '', name = ''] = file.split('/');
      renameSync(join(path, directory, hiddenName(name, 5)), join(path, file));
    }
    append(5, {
      ...entryFor(batch(4), written),
      sequence: 5,
      supersedes: 4,
      parked: undefined,
      unlanded: [],
    });
    expect(await auditLake(storageAt(path))).toMatchObject({
      clean: true,
      parked: [],
      problems: [],
      notes: [],
      ledger: { entries: 5, batches: 4, replays: 1 },
      rows: { landed: 4 },
    });
  });

  test('the content of a replay replaces that of the batch: the last entry that lists a file is right', async () => {
    const file = partOf(path, DAY, 2);
    const old = readFileSync(file);
    // The adapter keeps a committed batch from being written again, so its new file comes from another lake.
    const other = join(path, '..', 'other');
    const otherLake = createOrdersLake({ path: other, compression: 'snappy' }, SILENT);
    await openLake(otherLake);
    const rows = { accepted: [accepted(3), accepted(33)], quarantined: [] };
    const written = await write(otherLake, batch(2), rows);
    cpSync(partOf(other, DAY, 2), file);
    rmSync(partOf(`${path}_quarantine`, DAY, 2));
    append(4, { ...entryFor(batch(2), written), ...at('30'), sequence: 4, supersedes: 2 });
    expect(await auditLake(storageAt(path))).toMatchObject({
      clean: true,
      problems: [],
      rows: { landed: 4, quarantined: 0 },
    });

    // Interrupted after its commit: the new file is beside the old one.
    cpSync(file, join(path, DAY, `.${file.slice(file.lastIndexOf('/') + 1)}.r0000000004`));
    writeFileSync(file, old);
    expect((await auditLake(storageAt(path))).notes).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/replay of entry 4/) as string }),
    ]);
  });

  test('a replay with other offsets, of no batch, that moves the landing, and a wrong list of failed batches', async () => {
    append(4, { ...NOTHING, ...at('30'), ranges: range(10, 19), supersedes: 2 });
    append(5, { ...NOTHING, ...at('31'), ranges: range(40, 50), supersedes: 9, unlanded: [3] });
    rmSync(partOf(path, DAY, 2));
    rmSync(partOf(`${path}_quarantine`, DAY, 2));
    expect(await problems()).toEqual([
      expect.stringMatching(
        /0000000004.json lands batch 2 again with the offsets 0: 10..19, not its 0: 10..20/,
      ),
      expect.stringMatching(/0000000005.json lands batch 9 again, which no entry before it is/),
      expect.stringMatching(/0000000005.json .* must not move the offsets/),
      expect.stringMatching(/0000000005.json lists the failed batches 3, but the entries say none/),
    ]);
  });
});

describe('a topic that was recreated', () => {
  const from = { 0: '30' };
  const to = { 0: '0' };
  const reset = { from, to, reason: null, at: '2025-11-18T10:00:00.000Z', topicId: 'new' };
  const ranges = [{ partition: 0, from: '0', to: '7' }];
  const next = { 0: '7' };
  const anew = { topicId: 'new', topicSince: 4, ranges, next, reached: next, files: [], counts: EMPTY };

  beforeEach(() => edit(3, (entry) => (entry['topicId'] = 'old')));

  test('is clean where a reset went over to it, and the summary has its offsets', async () => {
    append(4, { ...anew, resets: [reset] });
    append(5, { resets: [], supersedes: 4 });
    expect(await problems()).toEqual([]);
    expect((await auditLake(storageAt(path))).offsets).toEqual([{ partition: 0, from: '0', to: '7' }]);
  });

  test('without a reset, and a replay of a batch of before', async () => {
    append(4, {
      ...anew,
      ranges: [{ partition: 0, from: '30', to: '37' }],
      next: { 0: '37' },
      reached: { 0: '37' },
    });
    append(5, { ranges: [{ partition: 0, from: '20', to: '30' }], supersedes: 3 });
    expect(await problems()).toEqual([
      expect.stringMatching(
        /^offsets _ledger\/0000000004\.json is of the topic with the id new, those before it of old/,
      ),
      expect.stringMatching(
        /^offsets _ledger\/0000000005\.json lands batch 3 again, whose offsets are of a topic before/,
      ),
    ]);
  });
});

describe('partitions that were added to the topic', () => {
  const entry4 = (fields: Json) => append(4, { counts: EMPTY, files: [], quarantineFiles: [], ...fields });

  test('begin at their first offset, with or without messages', async () => {
    const next = { '0': '30', '1': '5', '2': '0' };
    entry4({ ranges: [{ partition: 1, from: '0', to: '5' }], next, reached: next });
    expect(await problems()).toEqual([]);
  });

  test('with a hole before them are a problem, unless a reset says why', async () => {
    const next = { '0': '30', '1': '5' };
    const entry = { ranges: [{ partition: 1, from: '3', to: '5' }], next, reached: next };
    entry4(entry);
    expect(await problems()).toEqual([
      expect.stringMatching(/^offsets _ledger\/0000000004.json .*the offsets 0 to 2 were never landed/),
    ]);
    const reset = {
      from: { '0': '30' },
      to: { '0': '30', '1': '3' },
      reason: null,
      at: '2025-11-18T11:00:00Z',
    };
    entry4({ ...entry, resets: [reset] });
    expect(await problems()).toEqual([]);
  });

  test('that nobody speaks of any more are a problem', async () => {
    const next = { '0': '30', '1': '5' };
    entry4({ ranges: [{ partition: 1, from: '0', to: '5' }], next, reached: next });
    append(5, {
      ranges: [{ partition: 0, from: '30', to: '31' }],
      next: { '0': '31' },
      reached: { '0': '31' },
    });
    expect(await problems()).toEqual([
      expect.stringMatching(/^offsets _ledger\/0000000005.json says nothing of partition 1/),
    ]);
  });
});
