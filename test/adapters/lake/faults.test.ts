import fs from 'node:fs/promises';
import { join } from 'node:path';
import type { OrdersLake } from '../../../ports';
import { summary } from '../../../adapters/lake/reading/reader';
import { accepted, batch, contentsOf, freshLake, write, storageAt } from '../../helpers/lake';

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

describe('a write that fails shows no file and leaves no temporary one', () => {
  const rows = {
    accepted: [accepted(1), accepted(2, { createdAt: '2025-11-19T00:00:00Z' })],
    quarantined: [],
  };

  test('at the rename', async () => {
    jest.spyOn(fs, 'rename').mockRejectedValue(systemError('EROFS'));
    await expect(write(lake, batch(1), rows)).rejects.toThrow('EROFS');
    expect(await contentsOf(root)).toEqual({});
  });

  test.each(['writeFile', 'sync'] as const)('at %s', async (method) => {
    const open = fs.open.bind(fs);
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      if (args[1] === 'wx') jest.spyOn(handle, method).mockRejectedValue(systemError('ENOSPC'));
      return handle;
    });
    await expect(write(lake, batch(1), rows)).rejects.toThrow('ENOSPC');
    expect(await contentsOf(root)).toEqual({});
  });

  test('at the fsync of its directory, without which a power cut could take the name: an attempt comes again', async () => {
    const open = fs.open.bind(fs);
    const date = join(path, 'date=2025-11-18');
    const synced: string[] = [];
    let failing = true;
    jest.spyOn(fs, 'open').mockImplementation(async (...args) => {
      const handle = await open(...args);
      if (args[0] !== date) return handle;
      const there = (await fs.readdir(date)).join();
      if (failing && there !== '') jest.spyOn(handle, 'sync').mockRejectedValue(systemError('EIO'));
      else synced.push(there);
      return handle;
    });
    const one = { accepted: [accepted(1)], quarantined: [] };
    await expect(write(lake, batch(1), one)).rejects.toThrow('EIO');
    failing = false;
    await write(lake, batch(1), one);
    expect(synced).toEqual([expect.stringMatching(/^part-0000000001-[0-9a-f]{12}\.parquet$/)]);
  });

  test('and the next attempt succeeds, whatever the failed one left', async () => {
    jest.spyOn(fs, 'rename').mockRejectedValueOnce(systemError('ENOSPC'));
    await expect(write(lake, batch(1), rows)).rejects.toThrow('ENOSPC');
    expect(Object.keys(await contentsOf(root))).toHaveLength(1);
    await write(lake, batch(1), rows);
    expect(await summary(storageAt(path))).toMatchObject({ rows: 2, files: 2 });
  });

  test('where a directory stands in its place', async () => {
    const { files } = await write(lake, batch(1), rows);
    const target = join(path, files[0]?.path ?? '');
    await fs.rm(target);
    await fs.mkdir(join(target, 'in the way'), { recursive: true });
    await expect(write(lake, batch(1), rows)).rejects.toThrow();
    expect(Object.keys(await contentsOf(root))).toHaveLength(1);
  });
});

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: injected`), { code });
}
