import { count } from '../domain/describe-status';
import { auditLake, NoLake, type AuditProgress, type AuditResult, type Finding } from '../reconcile/audit';
import { lakeOf } from './lake';
import { progressLine } from './progress-line';
import { ORDERS } from '../domain/table/orders';

/** `npm run orders -- audit`: exit code 0 clean, 1 problems, 2 could not be audited. */
export async function audit({ lake, json }: { lake?: string; json?: boolean }): Promise<void> {
  const line = progressLine();
  let result: AuditResult;
  try {
    result = await auditLake(lakeOf(lake), (progress) => line.show(inWords(progress)));
  } catch (error) {
    line.clear();
    console.error(
      error instanceof NoLake ? error.message : `could not be audited: ${(error as Error).message}`,
    );
    process.exitCode = 2;
    return;
  }
  line.clear();
  console.log(json === true ? JSON.stringify(result, null, 2) : describe(result).join('\n'));
  process.exitCode = result.clean ? 0 : 1;
}

function inWords({ entries, files, filesInAll }: AuditProgress): string {
  return filesInAll === 0
    ? `${count(entries, 'entry', 'entries')} read`
    : `${files} of ${count(filesInAll, 'file')} read`;
}

function describe(result: AuditResult): string[] {
  const { lake, ledger, files, rows, parked, offsets, period, problems, problemCount, notes } = result;
  const line =
    (label: string) =>
    ({ where, message }: Finding) =>
      `${label}  ${where}: ${message}`;
  const beyond = problemCount - problems.length;
  return [
    ...problems.map(line('problem')),
    ...(beyond > 0 ? [`problem  … and ${beyond} more`] : []),
    ...notes.map(line('note')),
    lake,
    `  ledger      ${count(ledger.entries, 'entry', 'entries')}: ${count(ledger.batches, 'batch', 'batches')}, ` +
      `${count(ledger.replays, 'replay')}, ${parked.length === 0 ? 'none failed' : `failed: ${parked.join(', ')}`}`,
    `  committed   ${ledger.firstCommittedAt === undefined ? 'nothing yet' : `${ledger.firstCommittedAt} to ${ledger.lastCommittedAt}`}`,
    `  offsets     ${offsets.map(({ partition, from, to }) => `${partition}: ${from}..${to}`).join(', ') || 'none'}`,
    `  files       ${files.lake} in the lake, ${files.quarantine} in quarantine, ${files.bytes} bytes`,
    `  rows        ${rows.landed} landed, ${rows.quarantined} quarantined, ${rows.duplicate} duplicate, ${rows.read} read`,
    `  ${ORDERS.position.name}  ${period === undefined ? 'no rows' : `${period.from} to ${period.to}`}`,
    problemCount === 0 ? 'clean' : `${count(problemCount, 'problem')}`,
  ];
}
