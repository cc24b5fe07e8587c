/** What is printed after the last order: the result, what the lake holds, and where to go from here. */
import { relative } from 'node:path';
import { openStorage, summary } from '../../adapters/lake/reading';
import type { Settings } from '../../configs/schema';
import { WORKFLOWS } from '../../domain/names';
import { describeVerification } from '../../domain/describe-verification';
import type { FailureCode } from '../../domain/table/table';
import type { AuditResult } from '../../reconcile/audit';
import type { Side, VerifyResult } from '../../reconcile/verify';
import type { StackAddresses } from '../stack';
import type { Checked } from './check';
import { bold, count, counted, detail, dim, green, money, printTable, red } from './print';

const HINTS: Record<VerifyResult['differences'][number]['kind'], string> = {
  missing: 'An order inserted with a created_at that capture had passed already stays behind.',
  extra: 'Were orders deleted from the table, or did another producer send some to the topic?',
  doubled: 'Does a second landOrders, in another namespace, write to this lake?',
  changed: 'Were orders updated after they had been captured? Each is captured once, as it was inserted.',
};

/** Problems of an audit that are shown; one knows by then where to look. */
const PROBLEMS = 10;

export function printCheck({ verified, audited }: Checked): void {
  printTable(
    ['orders verify', 'source', 'topic', 'lake', 'quarantine'],
    [
      ...verified.dates.map((date) => [date.date, ...sidesOf(date, ({ rows }) => count(rows))]),
      ['orders', ...sidesOf(verified.totals, ({ rows }) => count(rows))],
      ['sum of amount', ...sidesOf(verified.totals, ({ amount }) => money(amount))],
    ],
  );
  detail();
  printVerified(verified);
  printAudited(audited);
}

function sidesOf(sides: VerifyResult['totals'], cell: (side: Side) => string): string[] {
  const { source, topic, lake, quarantine } = sides;
  return [source, topic, lake, quarantine].map((side) => (side === null ? '-' : cell(side)));
}

function printVerified(result: VerifyResult): void {
  const { source, lake, quarantine } = result.totals;
  const { trouble, facts } = describeVerification(result);
  const [headline, , ...notes] = facts;
  if (result.equal) {
    const sides = `${count(source.rows)} = ${count(lake.rows)} + ${count(quarantine.rows)}`;
    detail(`${green('✔')} ${bold(`source = lake + quarantine: ${sides}`)}`);
    // Of days that Kafka has dropped the notes tell.
    const topic = result.topicFrom === null ? ', in the topic too' : '';
    detail(`  every order_id once, all seven columns equal${topic}`);
  } else {
    detail(`${red('✘')} ${bold('source, topic and lake + quarantine differ')}`);
    for (const line of trouble) detail(`  ${line}`);
    for (const kind of new Set(result.differences.map(({ kind }) => kind))) detail(dim(`    ${HINTS[kind]}`));
  }
  for (const line of [headline!, ...notes]) detail(dim(`  ${line}`));
}

function printAudited({ clean, ledger, files, problems, problemCount }: AuditResult): void {
  const entries = counted(ledger.entries, 'ledger entry', 'ledger entries');
  const found = `${entries}, ${counted(files.lake + files.quarantine, 'file')}`;
  if (clean) return detail(`${green('✔')} orders audit: ${found}, each as it was recorded`);
  detail(`${red('✘')} ${bold(`orders audit: ${counted(problemCount, 'problem')} in ${found}`)}`);
  for (const { where, message } of problems.slice(0, PROBLEMS)) detail(`  ${where}: ${message}`);
}

export async function printLake(datalake: Settings['datalake']): Promise<void> {
  const lakePath = datalake.path;
  const { dates, quarantined, rows, files } = await summary(openStorage(datalake));
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
  // In a bucket there are files that nobody lists.
  if (!lakePath.startsWith('s3://'))
    row('query the lake', `duckdb -c "SELECT * FROM '${shown(lakePath)}/date=*/*.parquet' LIMIT 10"`);
  if (!serversRun) return;
  row('go on', 'npm run worker, or npm run demo once more (its data is kept)');
  row('look', 'npm run orders -- status');
  row('stop', 'npm run stack -- down');
}

/** As one would type it here. */
function shown(path: string): string {
  if (path.startsWith('s3://')) return path;
  const short = relative(process.cwd(), path);
  return short.startsWith('..') ? path : short;
}
