import { ORDERS } from '../domain/table/orders';

/**
 * Every metric of ours, once. docs/metrics.md is made from this (`npm run orders -- metrics`). Each name carries its unit;
 * each label has few values, whatever the data: never a row's, a file's or a person's.
 */
interface Described {
  kind: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** Each label with the values that it takes. */
  labels?: Readonly<Record<string, string>>;
  /** Upper bounds of a histogram's buckets. */
  buckets?: readonly number[];
}

/** From a request on the same machine to an operation that hangs. */
const SECONDS = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 900,
];
const ROWS = [1, 5, 10, 20, 50, 100, 500, 1_000, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 1_000_000];

const OUTCOME = '`ok` or `error`';
const WORKFLOW = '`capture` or `land`';
const ACTIVITY = 'an activity of the pipeline, such as `publish`';

export const METRICS = {
  orders_build_info: {
    kind: 'gauge',
    help: 'Always 1; its labels say what runs.',
    labels: { version: 'of orders-stream', node: 'version of Node.js', queue: '`capture` or `land`' },
  },

  orders_rows_total: {
    kind: 'counter',
    help: 'Rows by what became of them. One whose batch is repeated after a crash may count twice here; it never does in the lake.',
    labels: { stage: '`published`, `read`, `landed`, `duplicate` or `quarantined`' },
  },
  orders_bytes_total: {
    kind: 'counter',
    help: 'Bytes of Kafka record batches, as the topic keeps them; those of attempts that are repeated count each time.',
    labels: { stage: '`published` or `read` (by landing)' },
  },
  orders_windows_total: { kind: 'counter', help: 'Windows published and confirmed.' },
  orders_batches_total: {
    kind: 'counter',
    help: 'Micro-batches committed to the ledger.',
    labels: { outcome: '`landed`, `failed`, `replayed` or `withdrawn`' },
  },
  orders_window_rows: { kind: 'histogram', help: 'Rows of a window.', buckets: ROWS },
  orders_batch_rows: { kind: 'histogram', help: 'Messages read for a micro-batch.', buckets: ROWS },
  orders_files_total: {
    kind: 'counter',
    help: 'Files written by batches that were committed.',
    labels: { directory: '`lake` or `quarantine`', size: '`small` (below 1 MiB) or `large`' },
  },
  orders_file_bytes_total: {
    kind: 'counter',
    help: 'Bytes of the files written by batches that were committed.',
    labels: { directory: '`lake` or `quarantine`' },
  },
  orders_rule_failures_total: {
    kind: 'counter',
    help: 'Messages that broke a rule. One may break several.',
    labels: { rule: 'a code of the rules, such as `price_negative`' },
  },
  orders_missed_rows_total: {
    kind: 'counter',
    help: 'Rows that were found to have become visible behind the watermark. They are not captured; `status` says more.',
  },

  orders_activity_seconds: {
    kind: 'histogram',
    help: 'Duration of attempts that worked. `poll` and `claimMicroBatch` wait until there is something to do.',
    labels: { activity: ACTIVITY },
    buckets: SECONDS,
  },
  orders_activity_failures_total: {
    kind: 'counter',
    help: 'Attempts that failed.',
    labels: {
      activity: ACTIVITY,
      system: '`postgres`, `kafka` or `lake`, whose operation failed, or `other`',
      kind: '`transient` (retried), `cancelled`, or the type of a non-retryable error, such as `DataLoss`',
    },
  },
  orders_activity_last_success_timestamp_seconds: {
    kind: 'gauge',
    help: 'When an attempt last worked, in seconds since 1970.',
    labels: { activity: ACTIVITY },
  },
  orders_freshness_seconds: {
    kind: 'histogram',
    help: 'Age of a batch’s newest order when its ledger entry was written, and the parts that can be told apart, each by itself.',
    labels: {
      part:
        `\`total\`; \`oldest\` (as \`total\`, of the batch’s oldest order); \`wait\` (from ${ORDERS.position.name} to the poll that saw it), ` +
        '`publish` (reading the window, writing it to Kafka), `claim` (from ' +
        'the message’s timestamp to the start of landing), `land` (reading, validating, writing files), `commit` (the ledger entry)',
    },
    buckets: SECONDS,
  },

  orders_captured_through_timestamp_seconds: {
    kind: 'gauge',
    help: 'All orders created before this moment, in seconds since 1970, are in the topic. `time()` minus this is the lag of capture.',
  },
  orders_landed_through_timestamp_seconds: {
    kind: 'gauge',
    help: 'All messages readable in the topic at this moment, in seconds since 1970, are in the lake. `time()` minus this is the lag of landing.',
  },
  orders_landing_lag_offsets: {
    kind: 'gauge',
    help: 'Offsets in the topic that have not landed, those of open transactions included, at the last look.',
  },
  orders_capture_blocked_seconds: {
    kind: 'gauge',
    help: 'For how long somebody has kept rows from being captured, at the last look; 0: nobody does. `status` names them.',
    labels: { kind: '`open transaction`, `prepared transaction` or `table lock`' },
  },
  orders_landing_blocked_partitions: {
    kind: 'gauge',
    help: 'Partitions in which an open transaction of another producer keeps landing from what is behind it.',
  },
  orders_failed_batches: { kind: 'gauge', help: 'Failed batches that wait for `orders replay --failed`.' },
  orders_damaged_files: {
    kind: 'gauge',
    help: 'Files of lake and quarantine that were found not to be what the ledger says; 2,000 at most are remembered.',
  },
  orders_ledger_sequence: { kind: 'gauge', help: 'Number of the newest ledger entry of this landing.' },
  orders_lake_free_bytes: {
    kind: 'gauge',
    help: 'Bytes that are free for orders-stream on the disk that holds the lake, every 15 s.',
  },
  orders_lake_size_bytes: { kind: 'gauge', help: 'Bytes of the disk that holds the lake, every 15 s.' },

  orders_verify_equal: {
    kind: 'gauge',
    help: '1: source, topic and lake were equal in the last `verifyPipeline` that this process ran; 0: they were not. Absent before the first.',
  },
  orders_verify_timestamp_seconds: {
    kind: 'gauge',
    help: 'When they were last compared by this process, in seconds since 1970. One that could not compare them does not count.',
  },

  orders_history_events: {
    kind: 'gauge',
    help: 'Events in the history of the workflow’s present run, as this process last worked on it. Temporal ends a run at 51,200.',
    labels: { workflow: WORKFLOW },
  },
  orders_history_bytes: {
    kind: 'gauge',
    help: 'Bytes of the history of the workflow’s present run, as this process last worked on it. Temporal ends a run at 50 MB.',
    labels: { workflow: WORKFLOW },
  },

  orders_postgres_seconds: {
    kind: 'histogram',
    help: 'Operations on PostgreSQL, one or a few round trips each; of `read`, a window’s rows, the time that they were waited for.',
    labels: { operation: 'of the source, such as `nextWindow`', outcome: OUTCOME },
    buckets: SECONDS,
  },
  orders_kafka_seconds: {
    kind: 'histogram',
    help: 'Operations on Kafka, a few round trips each. `awaitMessages` waits for messages.',
    labels: { operation: 'of the topic, such as `publish`', outcome: OUTCOME },
    buckets: SECONDS,
  },
  orders_kafka_request_seconds: {
    kind: 'histogram',
    help: 'Requests to Kafka brokers, each one round trip. `FetchWait` is answered once there are messages.',
    labels: {
      api: 'of Kafka’s protocol, such as `Produce`, `Fetch`, `EndTxn`',
      outcome: '`ok` (answered, whatever the answer) or `error` (no answer)',
    },
    buckets: SECONDS,
  },
  orders_lake_seconds: {
    kind: 'histogram',
    help: 'Operations on the lake.',
    labels: { operation: 'of the lake, such as `writeBatch`', outcome: OUTCOME },
    buckets: SECONDS,
  },
} as const satisfies Record<string, Described>;

type Descriptions = typeof METRICS;
type OfKind<K extends Described['kind']> = {
  [Name in keyof Descriptions]: Descriptions[Name]['kind'] extends K ? Name : never;
}[keyof Descriptions];

export type MetricName = keyof Descriptions;
type CounterName = OfKind<'counter'>;
type GaugeName = OfKind<'gauge'>;
type HistogramName = OfKind<'histogram'>;

type LabelNames<Name extends MetricName> = Descriptions[Name] extends { labels: infer Labels }
  ? keyof Labels
  : never;
/** All labels of a metric, and no others; none where it has none. */
type LabelsOf<Name extends MetricName> = [LabelNames<Name>] extends [never]
  ? []
  : [labels: Readonly<Record<LabelNames<Name>, string>>];

/** How the product counts and measures. Nothing here fails, waits or keeps what it was given. */
export interface Metrics {
  add<Name extends CounterName>(name: Name, value: number, ...labels: LabelsOf<Name>): void;
  set<Name extends GaugeName>(name: Name, value: number, ...labels: LabelsOf<Name>): void;
  observe<Name extends HistogramName>(name: Name, value: number, ...labels: LabelsOf<Name>): void;
}

/** For those whose figures nobody collects: commands, and tests of something else. */
export const NO_METRICS: Metrics = { add: () => undefined, set: () => undefined, observe: () => undefined };
