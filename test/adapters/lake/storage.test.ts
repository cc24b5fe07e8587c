/** The lake's storage in a directory of this machine. */
import fs from 'node:fs/promises';
import { join } from 'node:path';
import { openStorage } from '../../../adapters/lake/storage';
import { temporaryDirectory } from '../../helpers/lake';
import { storageContract } from './storage-contract';

let root: string;
let remove: () => Promise<void>;

beforeEach(async () => ({ path: root, remove } = await temporaryDirectory()));
afterEach(async () => {
  jest.restoreAllMocks();
  await remove();
});

const open = () => openStorage({ path: join(root, 'lake') });

storageContract(open);

test.each(['unfenced', 'fenced'] as const)(
  'a write that fails, %s, leaves nothing, and keeps what was there',
  async (kind) => {
    const storage = open();
    await storage.probe();
    const epoch = await storage.takeEpoch({ runId: 'a test', scheduledAt: 1 }, { above: 0, onlyOwn: false });
    const writer = kind === 'fenced' ? storage.writer('lake', epoch) : storage.lake;
    await writer.put('a/one', Buffer.from('old'));
    const before = await fs.readdir(root, { recursive: true });
    jest.spyOn(fs, 'rename').mockRejectedValueOnce(new Error('EIO'));
    await expect(writer.put('a/one', Buffer.from('new'))).rejects.toThrow('EIO');
    jest.spyOn(fs, 'link').mockRejectedValueOnce(new Error('EIO'));
    await expect(writer.putIfAbsent('a/two', Buffer.from('new'))).rejects.toThrow('EIO');
    expect((await storage.lake.get('a/one'))?.toString()).toBe('old');
    expect(await fs.readdir(root, { recursive: true })).toEqual(before);
  },
);

test('what a worker of version 0.3.0 has half written goes with its batch, and with later ones', async () => {
  const storage = open();
  await storage.probe();
  const epoch = await storage.takeEpoch({ runId: 'a test', scheduledAt: 1 }, { above: 0, onlyOwn: false });
  const staging = join(root, 'lake/_staging', String(epoch).padStart(10, '0'));
  const staged = (sequence: number) => `.part-000000000${sequence}-1a2b3c4d5e6f.parquet.00112233445566ff.tmp`;
  for (const sequence of [1, 2, 3]) await fs.writeFile(join(staging, staged(sequence)), 'x');
  await storage.closeAttempts(epoch, 2);
  expect(await fs.readdir(staging)).toEqual([staged(3)]);
});
