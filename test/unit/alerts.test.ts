/** Rules and dashboards name metrics that there are, with labels that they have; rules say where to read on. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { dashboardJson } from '../../dev/observe/dashboard';
import { PAGES } from '../../dev/observe/pages';
import { METRICS } from '../../ports';

interface Rule {
  alert?: string;
  record?: string;
  expr: string;
  labels?: { severity?: string };
  annotations?: { summary?: string; runbook?: string };
}

const project = join(__dirname, '../..');
const read = (name: string) => readFileSync(join(project, name), 'utf8');
const { groups } = parse(read('ops/alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const queries = PAGES.flatMap(({ rows }) => rows)
  .flatMap(({ panels }) => panels)
  .flatMap((panel) => panel.queries);
const alerts = rules.filter(({ alert }) => alert !== undefined);

/** Metrics of an expression, each with the labels that it is chosen by. */
function chosen(expr: string): { name: string; labels: string[] }[] {
  return [...expr.matchAll(/\b(orders_\w+|temporal_\w+)(?:\{([^}]*)\})?/g)].map(
    ([, name = '', labels = '']) => ({
      name,
      labels: [...labels.matchAll(/(\w+)\s*[=!]/g)].map(([, label = '']) => label),
    }),
  );
}

test('every metric that a rule or a panel names is in the list, with the labels that it is chosen by', () => {
  const seen = new Set<string>();
  for (const { expr } of [...rules, ...queries]) {
    for (const { name, labels } of chosen(expr).filter((one) => one.name.startsWith('orders_'))) {
      const base = name in METRICS ? name : name.replace(/_(bucket|sum|count)$/, '');
      seen.add(base);
      const about = METRICS[base as keyof typeof METRICS] as
        (typeof METRICS)[keyof typeof METRICS] | undefined;
      expect([name, about?.kind]).toEqual([name, base === name ? expect.any(String) : 'histogram']);
      const known = Object.keys(about !== undefined && 'labels' in about ? about.labels : {});
      expect([...known, 'le']).toEqual(expect.arrayContaining(labels));
    }
  }
  expect(seen.size).toBeGreaterThan(8);
});

test('dashboards are those of the pages; else: npm run dashboards', () => {
  for (const page of PAGES) expect(read(`ops/grafana/${page.file}`)).toBe(dashboardJson(page));
});

test('a bound of freshness is one of the histogram’s buckets', () => {
  const bounds = rules.flatMap(({ expr }) =>
    [...expr.matchAll(/le="([^"]+)"/g)].map(([, bound]) => Number(bound)),
  );
  expect(bounds.length).toBeGreaterThan(0);
  expect(METRICS.orders_freshness_seconds.buckets).toEqual(expect.arrayContaining(bounds));
});

test('every alert has a severity, a summary and its paragraph in operations.md, which names it', () => {
  const page = read('docs/operations.md');
  const headings = [...page.matchAll(/^## (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-'),
  );
  for (const { alert = '', labels, annotations } of alerts) {
    expect([alert, labels?.severity]).toEqual([alert, expect.stringMatching(/^(page|ticket)$/)]);
    expect(annotations?.summary).toMatch(/\.$/);
    const [path, heading] = annotations?.runbook?.split('#') ?? [];
    expect([alert, path, headings.includes(heading ?? '')]).toEqual([alert, 'docs/operations.md', true]);
    const told = alert.replace(/Slowly$/, 'Fast');
    expect(page).toContain(`\`${told}\``);
  }
  expect(alerts.length).toBeGreaterThan(12);
});

test('no alert stands twice', () => {
  const names = alerts.map(({ alert }) => alert);
  expect(new Set(names).size).toBe(names.length);
});
