import { graph, none, one, p95, rate, stat, type Page } from './panel';

/** Answers in ten seconds: is it flowing, how fresh, what fails, which stage is slow, who holds it back. */
export const OVERVIEW: Page = {
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
