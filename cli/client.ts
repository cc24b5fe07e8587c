import { Client, Connection } from '@temporalio/client';
import { unreachable } from '../adapters/temporal/unreachable';
import { loadTemporal } from '../configs/temporal';

/** Runs `work` with a client of the configured Temporal; an unreachable server is one clear error. */
export async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const temporal = loadTemporal();
  let connection: Connection;
  try {
    connection = await Connection.connect(temporal.connection);
  } catch (error) {
    throw await unreachable(temporal, error);
  }
  try {
    return await work(new Client({ connection, namespace: temporal.namespace }));
  } finally {
    await connection.close();
  }
}
