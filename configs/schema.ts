/**
 * Every setting once: kind, default, unit and reason. The table in docs/settings.md is made from this
 * (`npm run orders -- settings`).
 */
import { z } from 'zod';
import { tableParts } from '../domain/table-name';
import { ORDERS } from '../domain/table/orders';
import { brokers, flag, number, optionalText, text, timestamp, tls } from './kinds';

const postgres = z.strictObject({
  host: text('127.0.0.1', { why: 'server that holds the orders table' }),
  port: number(5432, { min: 1, max: 65535 }, { why: 'its TCP port' }),
  db: text('orders', { why: 'database' }),
  user: text('orders', { why: 'role; needs SELECT on the table and pg_read_all_stats' }),
  password: z
    .union([z.string(), z.number()])
    .transform(String)
    .default('')
    .meta({ why: 'password of the role, as ${PGPASSWORD}: text is refused; empty for none' }),
  table: text('2025em1100102_orders', {
    why: 'table, optionally schema.table; quoted for you. A name with a dot is quoted as in SQL: "my.schema"."my table"',
  }).refine((name) => tableParts(name) !== undefined, {
    message:
      'must be table or schema.table; a name that has a dot or begins with a quote is written "my.table"',
  }),
  timezone: text('UTC', {
    why: `zone in which a ${ORDERS.position.name} without time zone is read; the zone of the sessions that insert`,
  }),
  ssl: tls.meta({
    why: 'true, false, or {ca, cert, key, rejectUnauthorized}, each PEM text or the path of a file of it; text of a key is refused here',
  }),
});

const kafka = z.strictObject({
  brokers,
  topic: text(
    '2025em1100102_food_orders_raw',
    { why: 'the topic; also part of the transactional.id and of the progress record' },
    {
      form: /^(?!\.{1,2}$)[\w.-]{1,249}$/,
      must: 'must be a name that Kafka takes: at most 249 letters, digits, points, - and _',
    },
  ),
  num_partitions: number(
    3,
    { min: 1, max: 1000 },
    {
      why: 'partitions of a topic that is created; one that exists may have more, and is refused with fewer',
    },
  ),
  replication_factor: number(
    1,
    { min: 1, max: 15 },
    { why: 'used when the topic is created; 3 in production' },
  ),
  consumer_group: text('food_orders_consumer_group', {
    why: 'group whose offsets follow the lake, for lag tools',
  }),
  ssl: tls.meta({
    why: 'true, false, or {ca, cert, key, rejectUnauthorized}, each PEM text or the path of a file of it; text of a key is refused here',
  }),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.union([z.string(), z.number()]).transform(String),
      password: z.union([z.string(), z.number()]).transform(String),
    })
    .optional()
    .meta({
      why: '{mechanism: plain | scram-sha-256 | scram-sha-512, username, password}; the password as ${KAFKA_PASSWORD}',
    }),
});

const cdc = z.strictObject({
  poll_interval_sec: number(
    0.25,
    { min: 0.01, max: 3600, int: false },
    {
      unit: 's',
      why: 'pause between looks at the table when there is nothing new; a batch is followed by the next at once',
    },
  ),
  batch_limit: number(
    50_000,
    { min: 1, max: 1_000_000 },
    {
      unit: 'rows',
      why: 'rows of one window, one Kafka transaction; larger costs latency of that batch, smaller throughput',
    },
  ),
  default_start_timestamp: timestamp.default('1970-01-01 00:00:00').meta({
    why: 'where a pipeline that never ran begins (rows after it), in UTC; 1970-01-01, the default, means before the lowest row',
  }),
  settle_ms: number(
    100,
    { min: 0, max: 60_000 },
    {
      unit: 'ms',
      why: 'kept between the horizon and the clock: a transaction stamps its start a moment before others can see it',
    },
  ),
  ignore_application_names: z.array(z.string()).default([]).meta({
    why: 'sessions that never insert orders (pg_dump, a BI tool) and so need not hold the horizon back',
  }),
});

const consumer = z.strictObject({
  maxOffsetsPerTrigger: number(
    100_000,
    { min: 1, max: 10_000_000 },
    {
      unit: 'offsets',
      why: 'offsets of one micro-batch over all partitions; bounds memory (about 1 KB an offset)',
    },
  ),
  trigger_interval_ms: number(
    1000,
    { min: 10, max: 60_000 },
    {
      unit: 'ms',
      why: 'longest wait of one look at Kafka when there is nothing new; new messages end it at once',
    },
  ),
});

/** A lake in a bucket. The bucket's name is S3's own rule; another scheme would be taken for a directory of that name. */
const isLakePath = (path: string) =>
  /^s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/(?!\.{0,2}(\/|$))[^/]+)+\/?$/.test(path) ||
  !/^(s3:|\w[\w+.-]*:\/\/)/i.test(path);

const s3 = z
  .strictObject({
    endpoint: optionalText('URL of an S3 store that is not AWS; empty: AWS').refine(
      (url) => url === undefined || /^https?:\/\/[^\s/@]+\/?$/.test(url),
      { message: 'must be http://host:port or https://host:port' },
    ),
    region: optionalText(
      'region of the bucket; empty: as AWS’s default chain says (AWS_REGION, the profile)',
    ),
    force_path_style: flag.default(false).meta({
      why: 'true: https://host/bucket/… instead of https://bucket.host/…, as most stores but AWS want it',
    }),
    checksums: z.enum(['when_supported', 'when_required']).default('when_supported').meta({
      why: 'when_required for stores that refuse the checksums which newer clients send',
    }),
    sse: z
      .strictObject({
        algorithm: z.enum(['AES256', 'aws:kms', 'aws:kms:dsse']),
        kms_key_id: z.string().min(1).optional(),
      })
      .refine(({ algorithm, kms_key_id: key }) => key === undefined || algorithm !== 'AES256', {
        message: 'must have kms_key_id with aws:kms or aws:kms:dsse only',
      })
      .optional()
      .meta({
        why: '{algorithm: AES256 | aws:kms | aws:kms:dsse, kms_key_id}: asks the store to encrypt what is written; empty: as the bucket does',
      }),
  })
  .prefault({});

const datalake = z.strictObject({
  path: text('data/lake', {
    why: 'directory of the lake, or s3://bucket/prefix; quarantine is beside it, with _quarantine appended',
  }).refine(isLakePath, {
    message:
      'must be a directory, or s3://bucket/prefix: a bucket of 3 to 63 letters a to z, digits, points and hyphens, and a prefix ' +
      'whose parts are not empty, . or ..',
  }),
  s3,
  format: z.literal('parquet').default('parquet').meta({ why: 'the only format' }),
  compression: z
    .enum(['snappy', 'gzip', 'uncompressed'])
    .default('snappy')
    .meta({ why: 'snappy, gzip (smaller, slower) or uncompressed' }),
  compaction: z
    .strictObject({
      enabled: flag.default(false).meta({
        why: 'whether maintainLake merges small files by itself; what its signal compact asks for is merged in any case',
      }),
      target_bytes: number(
        134_217_728,
        { min: 1_048_576, max: 1_073_741_824 },
        { why: 'of a merged file, in bytes: large enough that a day has few' },
      ),
    })
    .prefault({}),
});

const streaming = z.strictObject({
  last_processed_timestamp_location: text('data/state', {
    why: 'directory of last_processed_timestamp.txt, a mirror of the watermark; read once, when a pipeline first starts',
  }),
});

const level = z.enum(['debug', 'info', 'warn', 'error']);

const logging = z.strictObject({
  level: level.default('info').meta({ why: 'least level that is logged: debug, info, warn or error' }),
  format: z
    .enum(['auto', 'json', 'pretty'])
    .default('auto')
    .meta({ why: 'json: one object a line; pretty: for people; auto: pretty on a terminal, else json' }),
  modules: z
    .strictObject({
      pipeline: level.optional(),
      worker: level.optional(),
      postgres: level.optional(),
      kafka: level.optional(),
      lake: level.optional(),
      temporal: level.optional(),
    })
    .default({})
    .meta({
      why: 'another level for some: pipeline (what was published and landed), worker, postgres, kafka, lake, temporal',
    }),
});

const validation = z.strictObject({
  enabled: flag
    .default(true)
    .refine((on) => on, {
      message:
        'cannot be false: rows that break a rule are kept in quarantine, and the lake holds only valid ones',
    })
    .meta({ why: 'kept from the replaced pipeline; only true is accepted' }),
});

/** `host:port`; empty, as an unset variable gives it, means none. */
const listenAddress = z
  .string()
  .transform((value, context) => {
    if (value === '') return undefined;
    const [, host = '', port = ''] =
      /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(value)?.filter((part) => part !== undefined) ?? [];
    if (host !== '' && Number(port) <= 65_535) return { host, port: Number(port) };
    context.addIssue('must be host:port, such as 127.0.0.1:9464; port 0 takes a free one');
    return z.NEVER;
  })
  .prefault('');

const telemetry = z.strictObject({
  metrics: z
    .strictObject({
      listen: listenAddress.meta({
        why:
          'host:port where the capture process serves /metrics, /healthz and /readyz; the landing process takes the next port. ' +
          'Port 0: free ones, which the log names. Empty: none',
      }),
    })
    .prefault({}),
  traces: z
    .strictObject({
      sample_ratio: number(
        0,
        { min: 0, max: 1, int: false },
        {
          why:
            'share of windows that are traced from the poll to the ledger entry: 0 none, 1 each, 0.01 one in a hundred. ' +
            'The collector is named by OTEL_EXPORTER_OTLP_ENDPOINT',
        },
      ),
    })
    .prefault({}),
});

export const settingsSchema = z.strictObject({
  postgres: postgres.prefault({}),
  kafka: kafka.prefault({}),
  cdc: cdc.prefault({}),
  consumer: consumer.prefault({}),
  datalake: datalake.prefault({}),
  streaming: streaming.prefault({}),
  validation: validation.prefault({}),
  logging: logging.prefault({}),
  telemetry: telemetry.prefault({}),
});

/** Settings after defaults, as the rest of the code sees them. */
export type Settings = z.output<typeof settingsSchema>;
