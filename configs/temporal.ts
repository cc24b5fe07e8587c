import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionOptions } from '@temporalio/client';
import type { NativeConnectionOptions } from '@temporalio/worker';

/** Where Temporal is, from its own variables and files (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…, profiles). */
export function loadTemporal(): {
  connection: ConnectionOptions & NativeConnectionOptions;
  address: string;
  namespace: string;
} {
  const { connectionOptions, namespace } = loadClientConnectConfig();
  return {
    // envconfig gives an API key as text; only its type allows the function that NativeConnection does not.
    connection: connectionOptions as ConnectionOptions & NativeConnectionOptions,
    address: connectionOptions.address ?? '127.0.0.1:7233',
    namespace: namespace ?? 'default',
  };
}
