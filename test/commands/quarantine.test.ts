/** `npm run orders -- quarantine`, on a lake that no server wrote. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { quarantinedLake } from '../helpers/quarantined-lake';

// The command is a process of its own, which a busy machine starts slowly.
jest.setTimeout(60_000);

let path: string;
let remove: () => Promise<void>;
beforeAll(async () => ({ path, remove } = await quarantinedLake()));
afterAll(() => remove());

describe('the command', () => {
  const run = (...args: string[]) =>
    promisify(execFile)(
      process.execPath,
      ['--import', 'tsx', 'cli/main.ts', 'quarantine', ...args, '--lake', path],
      {
        cwd: join(__dirname, '../..'),
      },
    );

  test('prints lists, rows, bytes in hex, and nothing that a terminal obeys', async () => {
    const { stdout } = await run('list', '--rule', 'amount_not_positive', '--limit', '1');
    expect(stdout).toMatch(/^amount_not_positive +2025-11-18 +3$/m);
    expect(stdout).toMatch(/^ +1 +2025-11-18T10:00:00.123456Z +0 +3 +1 +amount_not_positive$/m);
    expect(stdout).toMatch(/^… and 3 more/m);
    expect((await run('show', '--partition', '0', '--offset', '16')).stdout).toMatch(/^value +0xff007b$/m);
    expect((await run('show', '--partition', '0', '--offset', '17')).stdout).toMatch(
      /^value +not \\x1b\[31m JSON$/m,
    );
  });

  test('says what is wrong with what it was asked', async () => {
    const stderr = (text: string) => ({ code: 1, stderr: expect.stringContaining(text) as string });
    await expect(run('list', '--rule', 'amount')).rejects.toMatchObject(stderr('It is one of order_id_null'));
    await expect(run('list', '--from', '1')).rejects.toMatchObject(stderr('name it with --partition'));
    await expect(run('show', '--partition', '0', '--offset', '5')).rejects.toMatchObject(
      stderr('holds no message'),
    );
  });
});
