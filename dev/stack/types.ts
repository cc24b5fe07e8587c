/** The servers that a pipeline needs, in the order they are shown. */
export const serverNames = ['postgres', 'kafka', 'temporal'] as const;
export type ServerName = (typeof serverNames)[number];

/** All that the stack can start. */
export const allServerNames = [...serverNames, 'prometheus', 's3'] as const;
export type AnyServerName = (typeof allServerNames)[number];

/** How people call them. */
export const titles: Record<AnyServerName, string> = {
  postgres: 'PostgreSQL',
  kafka: 'Kafka',
  temporal: 'Temporal',
  prometheus: 'Prometheus',
  s3: 'S3',
};

export interface StackOptions {
  /** Directory that holds data, logs, remembered ports and pids. Default: `.stack` in the checkout. */
  home?: string | undefined;
  /** Which servers to act on. Default: all. */
  servers?: readonly AnyServerName[] | undefined;
  /** Start a Prometheus, too, that scrapes the workers. Remembered: a later `up` starts it again. Default: as before. */
  observe?: boolean | undefined;
  /** Start an S3 server, too, with a bucket for a lake. Remembered likewise. */
  s3?: boolean | undefined;
  /**
   * More dynamic configuration for Temporal, e.g. `{ 'limit.historyCount.suggestContinueAsNew': 200 }`.
   * Remembered: a later `up` without it keeps it. A running server with other values is restarted.
   */
  temporalDynamicConfig?: Settings | undefined;
  /** More broker properties for Kafka; remembered as the above. */
  kafkaProperties?: Record<string, string> | undefined;
  /** Use servers whose addresses are in the environment instead of starting our own. Default: true. */
  useEnvironment?: boolean | undefined;
  /** Told what is going on, one line at a time. Default: silent. */
  onProgress?: ((line: string) => void) | undefined;
}

/** Settings of one server that the caller of `up` may add to. */
export type Settings = Record<string, string | number | boolean>;

/** The environment variables that lead a lake to the S3 server's bucket. */
export interface S3Addresses {
  AWS_ENDPOINT_URL_S3: string;
  AWS_ACCESS_KEY_ID: string;
  AWS_SECRET_ACCESS_KEY: string;
  AWS_REGION: string;
  LAKE_PATH: string;
}

/**
 * The environment variables that lead to the servers; one that is not known is the empty string. Those of the S3 server are there
 * once it was started.
 */
export interface StackAddresses extends Partial<S3Addresses> {
  PGHOST: string;
  PGPORT: string;
  PGDATABASE: string;
  PGUSER: string;
  PGPASSWORD: string;
  KAFKA_BROKERS: string;
  TEMPORAL_ADDRESS: string;
  /** Path of the `temporal` executable. */
  TEMPORAL_CLI: string;
  /** URL of the Temporal Web UI. */
  TEMPORAL_UI: string;
}

export interface ServerStatus {
  server: AnyServerName;
  running: boolean;
  /** True if the environment names this server: then the stack does not manage it. */
  fromEnvironment: boolean;
  pid?: number | undefined;
  address: string;
  logFile?: string | undefined;
  dataDirectory?: string | undefined;
}

/** A failure the user can act on: its message says how. The CLI prints it without a stack trace. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
