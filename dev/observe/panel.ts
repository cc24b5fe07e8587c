/** What a dashboard is made of: panels, each of which answers a question in the words of who asks it. */

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

export const one = (expr: string, legend = ''): Query[] => [{ expr, legend }];
export const none = 'or vector(0)';

export const stat = (title: string, unit: Panel['unit'], expr: string, bad: [number, number]): Panel => ({
  title,
  kind: 'stat',
  unit,
  width: 4,
  queries: one(expr),
  bad,
});

/** Of a histogram of ours, by a label. */
export const p95 = (name: string, by: string, chosen = '') => ({
  expr: `histogram_quantile(0.95, sum by (le, ${by}) (rate(${name}_bucket${chosen}[$__rate_interval])))`,
  legend: `{{${by}}}`,
});
export const rate = (name: string, by: string, chosen = '') => ({
  expr: `sum by (${by}) (rate(${name}${chosen}[$__rate_interval]))`,
  legend: `{{${by}}}`,
});

export const graph = (title: string, unit: Panel['unit'], queries: Query[], width = 12): Panel => ({
  title,
  kind: 'graph',
  unit,
  width,
  queries,
});
