/**
 * `npm run dashboard-pictures`: pictures of the dashboards for the documents, with the data of the stack's Prometheus
 * (`npm run stack -- up --observe`) of the last minutes, drawn by a Chromium of this machine. Not Grafana's looks; its data.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pictureOf } from '../scripts/browser';
import { status } from '../stack';
import { askPrometheus } from './ask';
import { pageHtml, type Series } from './chart';
import { PAGES } from './pages';
import type { Page, Panel } from './panel';

const MINUTES = Number(process.env['MINUTES'] ?? 10);
const STEP_SECONDS = 5;
const SIZES: Record<string, { width: number; height: number }> = {
  'orders.json': { width: 1290, height: 960 },
  'orders-details.json': { width: 1290, height: 1680 },
};

async function main(): Promise<void> {
  const found = (await status()).find(({ server }) => server === 'prometheus');
  if (found?.running !== true) throw new Error('No Prometheus runs: npm run stack -- up --observe');
  for (const page of PAGES) {
    const html = pageHtml(page, await dataOf(page, `http://${found.address}`));
    const name = `docs/images/dashboard-${page.file.replace('.json', '.png')}`;
    writeFileSync(join(__dirname, '../..', name), await pictureOf(html, SIZES[page.file]!));
    console.log(name);
  }
}

async function dataOf(page: Page, url: string): Promise<Map<Panel, Series[]>> {
  const drawn = new Map<Panel, Series[]>();
  for (const panel of page.rows.flatMap(({ panels }) => panels)) {
    const series = await Promise.all(panel.queries.map((query) => range(url, query, panel)));
    drawn.set(panel, series.flat());
  }
  return drawn;
}

async function range(
  url: string,
  { expr, legend }: Panel['queries'][number],
  { kind }: Panel,
): Promise<Series[]> {
  const end = Math.floor(Date.now() / 1000);
  const query = new URLSearchParams({
    query: expr.replaceAll('$__rate_interval', '1m'),
    start: String(end - MINUTES * 60),
    end: String(end),
    step: String(STEP_SECONDS),
  });
  const { result } = await askPrometheus<{
    result: { metric: Record<string, string>; values: [number, string][] }[];
  }>(`${url}/api/v1/query_range?${query.toString()}`);
  return result
    .map(({ metric, values }) => ({
      name:
        kind === 'table'
          ? Object.values(metric).join(' ')
          : legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? ''),
      points: values
        .map(([time, value]): [number, number] => [time, Number(value)])
        .filter(([, value]) => Number.isFinite(value)),
    }))
    .filter(({ points }) => points.length > 0);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
