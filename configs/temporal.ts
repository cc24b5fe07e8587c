import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionOptions } from '@temporalio/client';
import type { NativeConnectionOptions } from '@temporalio/worker';
import { NonRetryableError } from '../domain/errors';
import { withFiles } from './variables';

/** Where `NAME_FILE` may stand in their place. */
const SECRETS = /^TEMPORAL_(API_KEY|TLS_CLIENT_KEY_DATA|GRPC_META_.+)$/;

/**
 * Where Temporal is, from its own variables and files (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…, profiles).
 *
 * @throws NonRetryableError InvalidSettings where a file that they name cannot be read, or they contradict each other.
 */
export function loadTemporal(env: NodeJS.ProcessEnv = process.env): {
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

function load(env: NodeJS.ProcessEnv): ReturnType<typeof loadClientConnectConfig> {
  const overrideEnvVars = withFiles(SECRETS, env) as Record<string, string>;
  try {
    return loadClientConnectConfig({ overrideEnvVars });
  } catch (error) {
    throw new NonRetryableError(
      'InvalidSettings',
      `Temporal’s own settings (TEMPORAL_… variables or its configuration file): ${withoutContents(error as Error)}`,
    );
  }
}

/** The reader of TOML shows the lines around a mistake, and who gives a key where its path is meant has it in the message. */
const withoutContents = ({ message, ...more }: Error & { line?: number }) =>
  message
    .replace(/\n[^]*/, more.line === undefined ? '' : ` (line ${more.line})`)
    .replace(/-----BEGIN.*/, '…');
