import { graph, one, p95, rate, type Page } from './panel';

/** Temporal, Kafka, PostgreSQL, the lake and the workers. */
export const DETAILS: Page = {
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
