/**
 * `node dist/workers/healthcheck.js`, for containers: exit code 0 where both processes of this machine's workers can take work,
 * else 1 and why. Without telemetry.metrics.listen there is nothing to ask, which counts as healthy.
 */
import { loadSettings } from '../configs/load';
import { QUEUES } from '../domain/names';
import { authorityOf } from './endpoint';
import { portOf } from './health';

const ANSWER_MS = 4_000;

/** fetch says only that it failed. */
const causeOf = (error: Error) => (error.cause instanceof Error ? error.cause : error);

async function main(): Promise<number> {
  const { listen } = loadSettings().telemetry.metrics;
  if (listen === undefined || listen.port === 0) {
    console.log('not checked: telemetry.metrics.listen names no address');
    return 0;
  }
  const host = listen.host.replace(/^(0\.0\.0\.0|::)$/, 'localhost');
  const answers = await Promise.all(
    QUEUES.map(async (queue) => {
      const authority = authorityOf(host, portOf(listen, queue));
      const why = await fetch(`http://${authority}/readyz`, { signal: AbortSignal.timeout(ANSWER_MS) }).then(
        async (response) => (response.ok ? undefined : (await response.text()).trim()),
        (error: Error) => `${authority} does not answer: ${causeOf(error).message}`,
      );
      console.log(`${queue}: ${why ?? 'ready'}`);
      return why === undefined;
    }),
  );
  return answers.every(Boolean) ? 0 : 1;
}

main().then(
  (code) => process.exit(code),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
