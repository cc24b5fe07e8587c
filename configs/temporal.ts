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
    connection: connectionOptions,
    address: connectionOptions.address ?? '127.0.0.1:7233',
    namespace: namespace ?? 'default',
  };
}
