/** What `npm run build` makes is what production runs: plain JavaScript, with production packages only. */
import { execFile } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { insertOrders } from '../../dev/orders/insert-orders';
import { canEnter, unprivilegedAccount } from '../../dev/stack/system/accounts';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { freshNamespace, freshPipeline, type FreshPipeline } from '../helpers/pipeline';
import { BUILT, startWithTemporalCli, startWorkers } from '../helpers/processes';
import { expectAllLandedOnce } from '../helpers/exactly-once';

jest.setTimeout(180_000);

const project = join(__dirname, '../..');
const run = promisify(execFile);
let pipeline: FreshPipeline;

beforeAll(async () => {
  rmSync(join(project, 'dist'), { recursive: true, force: true });
  await run('npm', ['run', 'build'], { cwd: project });
  pipeline = await freshPipeline();
});
afterAll(() => pipeline?.dispose());

test('needs no package that only development has', () => {
  const { dependencies } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const files = readdirSync(join(project, 'dist'), { recursive: true, encoding: 'utf8' });
  const needed = files
    .filter((file) => file.endsWith('.js'))
    .flatMap((file) => [
      ...readFileSync(join(project, 'dist', file), 'utf8').matchAll(/require\("([^".][^"]*)"\)/g),
    ])
    .map(([, name = '']) => name)
    .filter((name) => !isBuiltin(name))
    .map((name) => /^(?:@[^/]+\/)?[^/]+/.exec(name)![0]);
  expect(new Set(needed).size).toBeGreaterThan(10);
  expect([...new Set(needed)].filter((name) => !(name in dependencies))).toEqual([]);
});

test('help is there before any library is loaded', async () => {
  const hook = join(pipeline.directory, 'loaded.cjs');
  writeFileSync(
    hook,
    `process.on('exit', () => console.log(Object.keys(require('node:module')._cache).join('\\n')));`,
  );
  const { stdout } = await run(process.execPath, ['-r', hook, 'dist/cli/main.js', 'status', '--help'], {
    cwd: project,
  });
  expect(stdout).toContain('what both workflows say of themselves');
  const packages = [...stdout.matchAll(/node_modules\/((?:@[^/]+\/)?[^/]+)/g)].map(([, name]) => name);
  expect([...new Set(packages)]).toEqual(['commander']);
});

/** What production may write: lake and state, and a directory for temporary files. */
function onlyTheseAreWritten(account: { uid: number; gid: number } | undefined): Record<string, string> {
  const tmp = join(pipeline.directory, 'tmp');
  mkdirSync(tmp);
  if (account !== undefined) {
    // The directory above it belongs to the tests, and is closed to others.
    const above = dirname(pipeline.directory);
    chmodSync(above, statSync(above).mode | 0o011);
    for (const path of [pipeline.directory, tmp, pipeline.env['ORDERS_CONFIG']!])
      chownSync(path, account.uid, account.gid);
  }
  return { TMPDIR: tmp, HOME: '/nonexistent' };
}

test('its worker carries orders, as an account that may not write where the program is', async () => {
  // Where the tests run as root; else it is looked at below that nothing is written.
  const account = [unprivilegedAccount()].find((one) => canEnter(one, project));
  const env = { ...pipeline.env, ...onlyTheseAreWritten(account) };
  const { close } = await freshNamespace(pipeline.name);
  const begun = Date.now();
  const workers = await startWorkers({ ...pipeline, env }, BUILT, account);
  try {
    await startWithTemporalCli(pipeline);
    await insertOrders(pipeline.pool, 200);
    await secondsToCatchUp(pipeline);
    expect(await expectAllLandedOnce(pipeline)).toBe(200);
    const { stdout } = await run(process.execPath, ['dist/cli/main.js', 'status'], {
      cwd: project,
      env: { ...process.env, ...env },
      ...account,
    });
    expect(stdout).toMatch(/\d+ rows landed/);
    const verified = await run(process.execPath, ['dist/cli/main.js', 'verify'], {
      cwd: project,
      env: { ...process.env, ...env },
      ...account,
    });
    expect(verified.stdout).toMatch(/^equal/m);
    if (account !== undefined) expect(statSync(pipeline.lakePath).uid).toBe(account.uid);
    const { stdout: written } = await run(
      'find',
      [...['dist', 'configs', 'node_modules', '-type', 'f'], ...['-newermt', new Date(begun).toISOString()]],
      { cwd: project },
    );
    expect(written).toBe('');
  } finally {
    await workers.kill();
    await close();
  }
});
