/** What the dashboards show. Each panel answers a question, in the words of who asks it. */

interface Query {
  expr: string;
  /** Name of each series: text, and labels in `{{…}}`. */
  legend: string;
}

export interface Panel {
  title: string;
  kind: 'stat' | 'graph' | 'stacked' | 'table';
  unit: 's' | 'short' | 'rowsps' | 'Bps' | 'bytes' | 'percentunit' | 'reqps';
  /** Of 24 columns. */
  width: number;
  queries: Query[];
  /** Of a stat: from here on it is yellow, and red. */
  bad?: [yellow: number, red: number];
}

interface Row {
  title: string;
  panels: Panel[];
}

export interface Page {
  uid: string;
  file: string;
  title: string;
  rows: Row[];
}

const one = (expr: string, legend = ''): Query[] => [{ expr, legend }];
const none = 'or vector(0)';

const stat = (title: string, unit: Panel['unit'], expr: string, bad: [number, number]): Panel => ({
  title,
  kind: 'stat',
  unit,
  width: 4,
  queries: one(expr),
  bad,
});

/** Of a histogram of ours, by a label. */
const p95 = (name: string, by: string, chosen = '') => ({
  expr: `histogram_quantile(0.95, sum by (le, ${by}) (rate(${name}_bucket${chosen}[$__rate_interval])))`,
  legend: `{{${by}}}`,
});
const rate = (name: string, by: string, chosen = '') => ({
  expr: `sum by (${by}) (rate(${name}${chosen}[$__rate_interval]))`,
  legend: `{{${by}}}`,
});

const graph = (title: string, unit: Panel['unit'], queries: Query[], width = 12): Panel => ({
  title,
  kind: 'graph',
  unit,
  width,
  queries,
});

const OVERVIEW: Page = {
  uid: 'orders-stream',
  file: 'orders.json',
  title: 'Orders',
  rows: [
    {
      title: 'Is it well?',
      panels: [
        stat(
          'Capture is behind',
          's',
          'clamp_min(time() - max(orders_captured_through_timestamp_seconds), 0)',
          [30, 120],
        ),
        stat(
          'Landing is behind',
          's',
          'clamp_min(time() - max(orders_landed_through_timestamp_seconds), 0)',
          [30, 120],
        ),
        stat(
          'Age of orders that land, p95',
          's',
          p95('orders_freshness_seconds', 'part', '{part="oldest"}').expr,
          [2, 5],
        ),
        stat('Failed batches', 'short', 'max(orders_failed_batches)', [1, 1]),
        stat('Missed rows', 'short', `sum(orders_missed_rows_total) ${none}`, [1, 1]),
        stat(
          'Alerts that fire',
          'short',
          `sum(ALERTS{alertname=~"Orders.*", alertstate="firing"}) ${none}`,
          [1, 1],
        ),
      ],
    },
    {
      title: 'Is it flowing, and how fresh?',
      panels: [
        graph('Rows a second, by what became of them', 'rowsps', [rate('orders_rows_total', 'stage')]),
        graph('Age of orders that land', 's', [
          ...[0.5, 0.95, 0.99].map((quantile) => ({
            expr: `histogram_quantile(${quantile}, sum by (le) (rate(orders_freshness_seconds_bucket{part="oldest"}[$__rate_interval])))`,
            legend: `p${quantile * 100}`,
          })),
        ]),
      ],
    },
    {
      title: 'Which stage is slow, and who holds it back?',
      panels: [
        {
          title: 'Where the time goes, average of a batch',
          kind: 'stacked',
          unit: 's',
          width: 12,
          queries: one(
            'sum by (part) (rate(orders_freshness_seconds_sum{part!~"total|oldest"}[$__rate_interval])) / sum by (part) (rate(orders_freshness_seconds_count{part!~"total|oldest"}[$__rate_interval]))',
            '{{part}}',
          ),
        },
        graph('How long capture has been held back, by whom', 's', [
          { expr: 'max by (kind) (orders_capture_blocked_seconds)', legend: '{{kind}}' },
        ]),
      ],
    },
    {
      title: 'What fails?',
      panels: [
        graph(
          'Attempts that failed, a second',
          'reqps',
          [
            {
              expr: `sum by (activity, system, kind) (rate(orders_activity_failures_total[$__rate_interval])) ${none}`,
              legend: '{{activity}} {{system}} {{kind}}',
            },
          ],
          8,
        ),
        graph(
          'Messages that broke a rule, a second',
          'rowsps',
          [
            {
              expr: `sum by (rule) (rate(orders_rule_failures_total[$__rate_interval])) ${none}`,
              legend: '{{rule}}',
            },
          ],
          8,
        ),
        {
          title: 'Part of the rows that goes to quarantine',
          kind: 'graph',
          unit: 'percentunit',
          width: 8,
          queries: one(
            `(sum(rate(orders_rows_total{stage="quarantined"}[$__rate_interval])) ${none}) / sum(rate(orders_rows_total{stage="read"}[$__rate_interval]))`,
            'quarantined',
          ),
        },
      ],
    },
  ],
};

const DETAILS: Page = {
  uid: 'orders-stream-details',
  file: 'orders-details.json',
  title: 'Orders: Temporal, Kafka, PostgreSQL, lake',
  rows: [
    {
      title: 'Batches',
      panels: [
        graph(
          'Batches and windows a second',
          'reqps',
          [
            rate('orders_batches_total', 'outcome'),
            { expr: 'sum(rate(orders_windows_total[$__rate_interval]))', legend: 'windows' },
          ],
          8,
        ),
        graph(
          'Rows of a batch and of a window, p95',
          'short',
          [
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(orders_batch_rows_bucket[$__rate_interval])))',
              legend: 'batch',
            },
            {
              expr: 'histogram_quantile(0.95, sum by (le) (rate(orders_window_rows_bucket[$__rate_interval])))',
              legend: 'window',
            },
          ],
          8,
        ),
        graph(
          'Duration of activities, p95',
          's',
          [p95('orders_activity_seconds', 'activity', '{activity!~"poll|claimMicroBatch"}')],
          8,
        ),
      ],
    },
    {
      title: 'Temporal',
      panels: [
        graph(
          'A workflow task waits for a worker, p95',
          's',
          [p95('temporal_workflow_task_schedule_to_start_latency_seconds', 'task_queue')],
          6,
        ),
        graph(
          'An activity waits for a worker, p95',
          's',
          [p95('temporal_activity_schedule_to_start_latency_seconds', 'task_queue')],
          6,
        ),
        graph(
          'Events in histories',
          'short',
          [{ expr: 'max by (workflow) (orders_history_events)', legend: '{{workflow}}' }],
          6,
        ),
        graph(
          'Who asks for work',
          'short',
          [
            {
              expr: 'sum by (task_queue, poller_type) (temporal_num_pollers)',
              legend: '{{task_queue}} {{poller_type}}',
            },
          ],
          6,
        ),
      ],
    },
    {
      title: 'Kafka',
      panels: [
        graph(
          'Requests to brokers, p95',
          's',
          [p95('orders_kafka_request_seconds', 'api', '{api!="FetchWait"}')],
          8,
        ),
        graph('Requests a second', 'reqps', [rate('orders_kafka_request_seconds_count', 'api')], 8),
        graph('Bytes a second', 'Bps', [rate('orders_bytes_total', 'stage')], 8),
      ],
    },
    {
      title: 'PostgreSQL and landing’s place',
      panels: [
        graph('Operations on PostgreSQL, p95', 's', [p95('orders_postgres_seconds', 'operation')], 8),
        graph('Offsets that have not landed', 'short', one('max(orders_landing_lag_offsets)', 'offsets'), 8),
        graph(
          'Partitions held back, damaged files',
          'short',
          [
            {
              expr: 'max(orders_landing_blocked_partitions)',
              legend: 'partitions behind an open transaction',
            },
            { expr: 'max(orders_damaged_files)', legend: 'damaged files' },
          ],
          8,
        ),
      ],
    },
    {
      title: 'Lake',
      panels: [
        graph('Operations on the lake, p95', 's', [p95('orders_lake_seconds', 'operation')], 6),
        graph(
          'Files a second',
          'reqps',
          [
            {
              expr: 'sum by (directory, size) (rate(orders_files_total[$__rate_interval]))',
              legend: '{{directory}} {{size}}',
            },
          ],
          6,
        ),
        graph('Bytes a second', 'Bps', [rate('orders_file_bytes_total', 'directory')], 6),
        graph(
          'Room on the disk',
          'bytes',
          [
            { expr: 'min(orders_lake_free_bytes)', legend: 'free' },
            { expr: 'max(orders_lake_size_bytes)', legend: 'all' },
          ],
          6,
        ),
      ],
    },
    {
      title: 'Workers',
      panels: [
        {
          title: 'What runs',
          kind: 'table',
          unit: 'short',
          width: 12,
          queries: one('max by (instance, queue, version, node) (orders_build_info)', ''),
        },
        graph('Since an attempt last worked', 's', [
          {
            expr: `time() - max by (activity) (orders_activity_last_success_timestamp_seconds{activity=~"poll|publish|advanceWatermark|claimMicroBatch|landMicroBatch|commitMicroBatch"})`,
            legend: '{{activity}}',
          },
        ]),
      ],
    },
  ],
};

export const PAGES = [OVERVIEW, DETAILS];
