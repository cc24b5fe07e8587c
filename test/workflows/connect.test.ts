import { setTimeout as sleep } from 'node:timers/promises';
import { connectWhenThere } from '../../workers/connect';
import { eventually, freshNamespace, servers } from '../helpers/pipeline';
import { quietRuntime } from '../helpers/worker';

/** Longer than a worker takes to try again. */
const MORE_TRIES_MS = 2_500;

function connecting(address: string, namespace: string) {
  quietRuntime();
  const said: string[] = [];
  const stop = new AbortController();
  const connected = connectWhenThere({ connection: { address }, address, namespace }, stop.signal, (line) =>
    said.push(line),
  );
  return { connected, said, stop };
}

test('a worker waits for its namespace, and says once what is missing', async () => {
  const namespace = `connect-${process.pid}`;
  const { connected, said } = connecting(servers().TEMPORAL_ADDRESS, namespace);
  await eventually(() => expect(said).not.toEqual([]));
  await sleep(MORE_TRIES_MS);
  expect(said).toEqual([expect.stringContaining(`has no namespace ${namespace}. Create it`)]);
  const { close } = await freshNamespace(namespace);
  const connection = await connected;
  expect(connection).toBeDefined();
  await connection?.close();
  await close();
});

test('while Temporal is away a worker says where it looks, and can be stopped', async () => {
  const { connected, said, stop } = connecting('127.0.0.1:1', 'default');
  await eventually(() => expect(said).not.toEqual([]));
  stop.abort();
  expect(await connected).toBeUndefined();
  expect(said).toEqual([expect.stringContaining('Temporal at 127.0.0.1:1 does not answer (')]);
});
