import { setTimeout as sleep } from 'node:timers/promises';
import { NativeConnection } from '@temporalio/worker';
import { unreachable } from '../adapters/temporal/unreachable';
import type { loadTemporal } from '../configs/temporal';

const TRY_AGAIN_MS = 1_000;

/**
 * A connection as soon as Temporal and its namespace are there, however long that takes; what it waits for is said once.
 * `undefined` when told to stop first.
 */
export async function connectWhenThere(
  temporal: ReturnType<typeof loadTemporal>,
  stop: AbortSignal,
  say: (line: string) => void,
): Promise<NativeConnection | undefined> {
  for (let said = ''; !stop.aborted;) {
    try {
      return await connect(temporal);
    } catch (error) {
      const { message: problem } = error as Error;
      if (problem !== said) say(`${problem} Waiting for it.`);
      said = problem;
      await sleep(TRY_AGAIN_MS, undefined, { signal: stop }).catch(() => undefined);
    }
  }
  return undefined;
}

/** A transient error with one clear message where Temporal or the namespace cannot be used. */
export async function connect(temporal: ReturnType<typeof loadTemporal>): Promise<NativeConnection> {
  let connection: NativeConnection | undefined;
  try {
    connection = await NativeConnection.connect(temporal.connection);
    await connection.workflowService.describeNamespace({ namespace: temporal.namespace });
    return connection;
  } catch (error) {
    await connection?.close();
    throw await unreachable(temporal, error);
  }
}
