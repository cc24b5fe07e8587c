import { Client, Connection } from '@temporalio/client';
import { temporalUnusable } from '../adapters/temporal/unusable';
import { loadTemporal } from '../configs/temporal';

/** Runs `work` with a client of the configured Temporal; an unreachable server is one clear error. */
export async function withClient<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const { connection: options, address, namespace } = loadTemporal();
  let connection: Connection;
  try {
    connection = await Connection.connect(options);
  } catch (error) {
    throw new Error(temporalUnusable({ address, namespace }, error), { cause: error });
  }
  try {
    return await work(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
