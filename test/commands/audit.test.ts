/** `npm run orders -- audit`, on a lake that no server wrote. */
import { execFile } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createOrdersLake } from '../../adapters/lake/writing';
import { accepted, batch, entryFor, openLake, temporaryDirectory, write } from '../helpers/lake';
import { SILENT } from '../helpers/telemetry';

const ROOT = join(__dirname, '../..');
const DAY = 'date=2025-11-18';

// The command is a process of its own, which a busy machine starts slowly.
jest.setTimeout(60_000);

let path: string;
let remove: () => Promise<void>;
beforeAll(async () => {
  const directory = await temporaryDirectory();
  remove = directory.remove;
  path = join(directory.path, 'lake');
  const lake = createOrdersLake({ path, compression: 'snappy' }, SILENT);
  await openLake(lake);
  const rows = { accepted: [accepted(1)], quarantined: [] };
  await lake.commit(entryFor(batch(1), await write(lake, batch(1), rows)));
});
afterAll(() => remove());

test('the command: exit code 0 clean, 1 problems, 2 no lake', async () => {
  const run = (...args: string[]) =>
    new Promise<{ code: number; out: string }>((resolve) =>
      execFile(
        process.execPath,
        ['--import', 'tsx', 'cli/main.ts', 'audit', ...args],
        { cwd: ROOT },
        (error, stdout, stderr) => resolve({ code: Number(error?.code ?? 0), out: stdout + stderr }),
      ),
    );
  const clean = await run('--lake', path);
  expect(clean).toMatchObject({ code: 0, out: expect.stringMatching(/\nclean\n$/) as string });
  const part = readdirSync(join(path, DAY)).find((name) => name.startsWith('part-0000000001'))!;
  rmSync(join(path, DAY, part));
  const broken = await run('--lake', path, '--json');
  expect(broken.code).toBe(1);
  expect(JSON.parse(broken.out)).toMatchObject({ clean: false, problemCount: 1 });
  expect(await run('--lake', join(path, 'no'))).toMatchObject({ code: 2 });
});
