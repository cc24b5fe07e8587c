import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { OrdersLake } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import {
  accepted,
  batch,
  contentsOf,
  entryFor,
  freshLake,
  openLake,
  quarantined,
  write,
} from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake());
});
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

const rows = { accepted: [accepted(1)], quarantined: [quarantined('{}')] };
const CONFLICT = { type: 'LandingConflict' };

test('who opens the lake shuts out whoever had it: no file, no entry, no removal', async () => {
  await lake.commit(entryFor(batch(1), await write(lake, batch(1), rows)));
  const { epoch } = await openLake(lake);
  expect(epoch).toBe(2);
  const before = await contentsOf(root);

  await expect(write(lake, batch(2), rows)).rejects.toMatchObject(CONFLICT);
  await expect(lake.commit(entryFor(batch(2)))).rejects.toMatchObject(CONFLICT);
  expect(await contentsOf(root)).toEqual(before);

  const mine = { ...batch(2), epoch };
  await lake.commit(entryFor(mine, await write(lake, mine, rows)));
  expect((await lake.lastEntry())?.epoch).toBe(2);
});

test.each(['rename', 'link'] as const)('an owner frozen just before its %s is shut out too', async (call) => {
  const original = fs[call].bind(fs) as (from: string, to: string) => Promise<void>;
  const outcome = call === 'rename' ? write(lake, batch(1), rows) : lake.commit(entryFor(batch(1)));
  outcome.catch(() => undefined);
  let before: unknown;
  // The first step that would show something waits until another has opened the lake.
  jest.spyOn(fs, call).mockImplementationOnce(async (from, to) => {
    await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT));
    before = await contentsOf(root);
    return original(String(from), String(to));
  });
  await expect(outcome).rejects.toMatchObject(CONFLICT);
  expect(await contentsOf(root)).toEqual(before);
});

test('an opening that wakes up late leaves the lake to its owner', async () => {
  const owner = await openLake(lake, Date.now() + 1_000);
  await expect(openLake(lake, Date.now())).rejects.toMatchObject({
    ...CONFLICT,
    message: expect.stringMatching(/_staging\/0000000002\.json was written by run a test at/) as string,
  });
  await write(lake, { ...batch(1), epoch: owner.epoch }, rows);
});

test('a workflow that was reset opens the lake again only if it opened it last', async () => {
  const owner = { runId: 'a run', scheduledAt: Date.now(), firstRunId: 'mine' };
  const again = () => lake.open({ ...owner, runId: 'a reset one', onlyOwn: true });
  // The lake was opened by one that told no first run, as versions before 0.4.0 did.
  await expect(again()).rejects.toMatchObject(CONFLICT);
  await lake.open(owner);
  expect(await again()).toMatchObject({ epoch: 3 });
  const before = await lake.open({ ...owner, firstRunId: 'of another' });
  await expect(again()).rejects.toMatchObject(CONFLICT);
  await write(lake, { ...batch(1), epoch: before.epoch }, rows);
});

test('of several openings at once each has an epoch of its own, and the last one the lake', async () => {
  const at = Date.now();
  const opened = await Promise.allSettled([1, 2, 3, 4].map(() => openLake(lake, at)));
  const epochs = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value.epoch] : []));
  expect(epochs).toContain(5);
  expect(new Set(epochs).size).toBe(epochs.length);
  for (const epoch of epochs) {
    const attempt = write(lake, { ...batch(1, 0, epoch), epoch }, rows);
    if (epoch === 5) await attempt;
    else await expect(attempt).rejects.toMatchObject(CONFLICT);
  }
});

test('an opening frozen between its record and its staging directory finds that another came meanwhile', async () => {
  const original = fs.mkdir.bind(fs);
  let newer: { epoch: number } | undefined;
  jest.spyOn(fs, 'mkdir').mockImplementation(async (directory, options) => {
    if (newer === undefined && String(directory).endsWith('_staging/0000000002')) {
      newer = { epoch: 3 };
      newer = await openLake(createOrdersLake({ path, compression: 'snappy' }, SILENT));
    }
    return original(directory, options);
  });
  await expect(openLake(lake)).rejects.toMatchObject(CONFLICT);
  expect(newer).toMatchObject({ epoch: 3 });
  // Nobody is told of epoch 2, but nobody could write under it either.
  await expect(write(lake, { ...batch(1), epoch: 2 }, rows)).rejects.toMatchObject(CONFLICT);
  await write(lake, { ...batch(1), epoch: 3 }, rows);
});

test('a late attempt replaces nothing that is committed, and cannot finish what it began', async () => {
  await lake.commit(entryFor(batch(1), await write(lake, batch(1), rows)));
  const before = await contentsOf(root);
  const others = { accepted: [accepted(1), accepted(2)], quarantined: [] };
  await expect(write(lake, batch(1), others)).rejects.toThrow('this one came too late');
  expect(await contentsOf(root)).toEqual(before);

  const staged = join(path, '_staging/0000000001/0000000001.00112233445566ff');
  await fs.mkdir(staged);
  await fs.writeFile(join(staged, 'x'), 'x');
  await lake.commit(entryFor(batch(2)));
  expect(Object.keys(await contentsOf(root)).filter((name) => name.includes('_staging'))).toEqual([]);
});

test('an attempt after another removes what the other wrote and it does not', async () => {
  const yesterday = {
    accepted: [accepted(1, { createdAt: '2025-11-17T10:00:00Z' })],
    quarantined: rows.quarantined,
  };
  await write(lake, batch(1), yesterday);
  await write(lake, batch(1), { accepted: [accepted(1)], quarantined: [] }, { again: true });
  expect(Object.keys(await contentsOf(root))).toEqual([
    expect.stringMatching(/^lake\/date=2025-11-18\/part-0000000001-/),
  ]);
});

/** Steps by which an attempt changes something, or reads a file; it may be stopped before each. */
const STEPS = ['mkdir', 'open', 'rename', 'rm'] as const;

/** Runs `attempt` up to its step `n`, then `meanwhile`, then the rest; whether there was such a step. */
async function stoppedAt(
  n: number,
  attempt: () => Promise<unknown>,
  meanwhile: () => Promise<void>,
): Promise<boolean> {
  let step = 0;
  let done = Promise.resolve();
  for (const name of STEPS) {
    const original = fs[name].bind(fs) as (...args: unknown[]) => Promise<unknown>;
    jest.spyOn(fs, name).mockImplementation((async (...args: unknown[]) => {
      step += 1;
      if (step === n) await (done = meanwhile());
      return original(...args);
    }) as never);
  }
  await attempt().catch(() => undefined);
  jest.restoreAllMocks();
  await done;
  return step >= n;
}

test.each([
  ['writes', (late: OrdersLake) => write(late, batch(1), rows)],
  ['writes again', (late: OrdersLake) => write(late, batch(1), { ...rows, accepted: [] }, { again: true })],
  ['discards', (late: OrdersLake) => late.discard(batch(1))],
])(
  'an attempt that %s, stopped at any step, shows no file again that went after its batch was committed',
  async (_does, attempt) => {
    const late = createOrdersLake({ path, compression: 'snappy' }, SILENT);
    for (let n = 1, more = true; more; n += 1) {
      await remove();
      await openLake(lake);
      let gone = false;
      let kept: Record<string, string> = {};
      more = await stoppedAt(
        n,
        () => attempt(late),
        async () => {
          const written = await write(lake, batch(1), rows);
          await lake.commit(entryFor(batch(1), written));
          // As a merge does.
          for (const file of written.files) await fs.rm(join(path, file.path));
          gone = true;
          kept = await contentsOf(root);
        },
      );
      expect(gone).toBe(more);
      if (more) expect(await contentsOf(root)).toEqual(kept);
    }
  },
);
