/** A process of the workers that serves the capture queue with workflows that are not ours. */
import { fork } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { killWithUs } from '../../dev/workers/kill-with-us';
import type { Ready } from '../../workers/served';
import type { FreshPipeline } from '../helpers/pipeline';

/** Resolves when it serves, with where its metrics are. */
export async function startOtherVersion({
  env,
  directory,
}: FreshPipeline): Promise<{ endpoint: string; kill(): Promise<unknown> }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: require.resolve('../helpers/other-workflows'),
    logger: new DefaultLogger('ERROR'),
  });
  const bundle = join(directory, 'other-workflows.js');
  writeFileSync(bundle, code);
  const log = openSync(join(directory, 'other-version.log'), 'a');
  const child = fork(join(__dirname, '../../workers/queue.ts'), ['capture', bundle], {
    detached: true,
    env: { ...process.env, ...env },
    execArgv: ['--import', 'tsx'],
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  killWithUs(child);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const endpoint = await new Promise<string>((resolve, reject) => {
    child.once('message', (ready: Ready) => resolve(ready.endpoint!));
    void ended.then(() => reject(new Error('the other version has ended')));
  });
  return {
    endpoint,
    kill() {
      child.kill('SIGKILL');
      return ended;
    },
  };
}
