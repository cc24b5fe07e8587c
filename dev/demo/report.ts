/** What is printed after the last order: the verdict, what the lake holds, and where to go from here. */
import { relative } from 'node:path';
import { summary } from '../../adapters/lake/reading';
import { WORKFLOWS } from '../../domain/names';
import type { FailureCode } from '../../domain/order';
import type { StackAddresses } from '../stack';
import { DIFFERENCES, type Comparison, type Difference } from './check';
import { bold, count, counted, detail, dim, green, money, printTable, red } from './print';

const HINTS: Record<Difference, string> = {
  missing: 'An order inserted with a created_at that capture had passed already stays behind.',
  extra: 'Were orders deleted from the table, or did another producer send some to the topic?',
  doubled: 'Does a second landOrders, in another namespace, write to this lake?',
  changed: 'Were orders updated after they had been captured? Each is captured once, as it was inserted.',
};

export function printVerdict(result: Comparison): void {
  const { source, lake, quarantine, differences, withoutId, withoutTime } = result;
  const sum = (side: { amount: string }) => money(side.amount);
  printTable(
    ['', 'orders', 'sum of amount'],
    [
      ['source', count(source.rows), sum(source)],
      ['lake', count(lake.rows), sum(lake)],
      ['quarantine', count(quarantine.rows), sum(quarantine)],
    ],
  );
  detail();
  if (result.equal) {
    const sides = `${count(source.rows)} = ${count(lake.rows)} + ${count(quarantine.rows)}`;
    detail(`${green('✔')} ${bold(`source = lake + quarantine: ${sides}`)}`);
    detail('  every order_id once, all seven columns equal');
  } else {
    detail(`${red('✘')} ${bold('source and lake + quarantine differ')}`);
    for (const { kind, orders, examples } of differences) {
      const more = orders > examples.length ? ', …' : '';
      detail(`  ${count(orders)} ${DIFFERENCES[kind]}: order_id ${examples.join(', ')}${more}`);
      detail(dim(`    ${HINTS[kind]}`));
    }
  }
  if (withoutId.source > 0) detail(dim(`  ${count(withoutId.source)} of the table have no order_id`));
  for (const { rules, rows } of withoutId.quarantine) {
    detail(dim(`  ${count(rows)} more in quarantine that no order_id names: ${rules.replaceAll(',', ', ')}`));
  }
  if (withoutTime > 0) {
    detail(dim(`  ${count(withoutTime)} of the table have no created_at: they are never captured`));
  }
}

export async function printLake(lakePath: string): Promise<void> {
  const { dates, quarantined, rows, files } = await summary(lakePath);
  const time = (text: string) => text.slice(11, 26);
  printTable(
    ['date', 'orders', 'files', 'sum of amount', 'first created_at', 'last'],
    dates.map((date) => [
      date.date,
      count(date.rows),
      count(date.files),
      money(date.amount),
      time(date.firstCreatedAt),
      time(date.lastCreatedAt),
    ]),
  );
  detail(dim(`${counted(rows, 'order')} in ${counted(files, 'file')} in ${shown(lakePath)}; times are UTC`));
  detail();
  const failures = Object.entries(quarantined.failures) as [FailureCode, number][];
  printTable(
    ['quarantine, by rule', 'orders'],
    failures.map(([code, found]) => [code, count(found)]),
  );
  const { rows: kept, files: keptFiles } = quarantined;
  const where = `${shown(lakePath)}_quarantine`;
  detail(
    dim(
      `${counted(kept, 'order')} in ${counted(keptFiles, 'file')} in ${where}; one may break several rules`,
    ),
  );
}

/** Both workflows in the Web UI; none where its address is not known. */
export function workflowLinks({ TEMPORAL_UI }: StackAddresses, namespace: string): string[] {
  if (TEMPORAL_UI === '') return [];
  const base = `${TEMPORAL_UI}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return Object.entries(WORKFLOWS).map(([type, { id }]) => `${type.padEnd(17)}${base}/${id}`);
}

export function printNext(lakePath: string, links: readonly string[], serversRun: boolean): void {
  const row = (what: string, how: string) => detail(`${what.padEnd(17)}${how}`);
  if (serversRun) for (const link of links) detail(link);
  row('query the lake', `duckdb -c "SELECT * FROM '${shown(lakePath)}/date=*/*.parquet' LIMIT 10"`);
  if (!serversRun) return;
  row('go on', 'npm run worker, or npm run demo once more (its data is kept)');
  row('look', 'npm run orders -- status');
  row('stop', 'npm run stack -- down');
}

/** As one would type it here. */
function shown(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
