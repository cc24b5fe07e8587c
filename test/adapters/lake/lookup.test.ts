import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { OrdersLake } from '../../../ports';
import { createOrdersLake } from '../../../adapters/lake/writing';
import { summary } from '../../../adapters/lake/reading/reader';
import { accepted, batch, entryFor, freshLake, openLake, write, storageAt } from '../../helpers/lake';
import { SILENT } from '../../helpers/telemetry';
import { lookupContract } from './lookup-contract';

let root: string;
let remove: () => Promise<void>;
let path: string;
let lake: OrdersLake;

beforeEach(async () => {
  ({ root, remove, path, lake } = await freshLake('lake=1/date=of orders'));
});

afterEach(() => remove());

lookupContract(() => Promise.resolve({ lake, clear: () => rm(root, { recursive: true }) }));

test('a path is a path, whatever patterns it would match', async () => {
  // As a pattern `o*` would match its neighbour, too.
  const pattern = createOrdersLake({ path: join(root, 'o*[a]?'), compression: 'snappy' }, SILENT);
  const neighbour = createOrdersLake({ path: join(root, 'ooa1'), compression: 'snappy' }, SILENT);
  for (const one of [pattern, neighbour]) await openLake(one);
  for (const [index, one] of [pattern, neighbour].entries()) {
    const rows = { accepted: [accepted(index + 1)], quarantined: [] };
    await one.commit(entryFor(batch(1), await write(one, batch(1), rows)));
  }
  const { indexes } = await pattern.findLanded({ before: 2 }, [accepted(1).order, accepted(2).order]);
  expect([...indexes]).toEqual([0]);
  expect((await summary(storageAt(join(root, 'o*[a]?')))).rows).toBe(1);
});

test('a lake that was moved is the same lake', async () => {
  const written = await write(lake, batch(1), { accepted: [accepted(1)], quarantined: [] });
  await lake.commit(entryFor(batch(1), written));
  const moved = join(root, 'moved');
  await mkdir(dirname(moved), { recursive: true });
  await rename(path, moved);
  lake = createOrdersLake({ path: moved, compression: 'gzip' }, SILENT);
  expect([...(await lake.findLanded({ before: 2 }, [accepted(1).order])).indexes]).toEqual([0]);
});
