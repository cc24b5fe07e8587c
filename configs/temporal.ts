import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionOptions } from '@temporalio/client';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { NonRetryableError } from '../domain/errors';

/**
 * Where Temporal is, from its own variables and files (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…, profiles).
 *
 * @param env instead of the process's own
 * @throws NonRetryableError InvalidSettings where a file that they name cannot be read, or they contradict each other.
 */
export function loadTemporal(env?: Record<string, string>): {
  connection: ConnectionOptions & NativeConnectionOptions;
  address: string;
  namespace: string;
} {
  const { connectionOptions, namespace } = load(env);
  return {
    connection: connectionOptions,
    address: connectionOptions.address ?? '127.0.0.1:7233',
    namespace: namespace ?? 'default',
  };
}

function load(env?: Record<string, string>): ReturnType<typeof loadClientConnectConfig> {
  try {
    return loadClientConnectConfig(env === undefined ? {} : { overrideEnvVars: env });
  } catch (error) {
    throw new NonRetryableError(
      'InvalidSettings',
      `Temporal’s own settings (TEMPORAL_… variables or its configuration file): ${(error as Error).message}`,
      { cause: error },
    );
  }
}
