import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launchWorkers, startWorkers } from '../../dev/workers';

jest.setTimeout(30_000);

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'orders-stream-workers-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('workers that end before they serve say why', async () => {
  const logFile = join(directory, 'logs', 'worker.log');
  const env = { ORDERS_CONFIG: join(directory, 'absent.yml') };
  const message = await startWorkers({ env, logFile }).then(String, ({ message: text }: Error) => text);
  expect(message).toMatch(/^The workers ended by themselves \(1\)\. Their last lines:\n {2}.*absent\.yml/);
  expect(message).toMatch(/\nAll of the log: .*worker\.log$/);
});

test('the log begins where these workers began; kill ends them whatever they do', async () => {
  const logFile = join(directory, 'worker.log');
  writeFileSync(logFile, 'of others\n');
  const workers = launchWorkers({ logFile, killWithUs: true });
  expect([workers.pids.size, workers.starts]).toEqual([0, 0]);
  await workers.kill();
  expect(await workers.ended).toBe('SIGKILL');
  expect(await workers.stop(1_000)).toBeLessThan(1_000);
  await expect(workers.ready).rejects.toThrow(
    'The workers ended by themselves (SIGKILL). They printed nothing.',
  );
});
