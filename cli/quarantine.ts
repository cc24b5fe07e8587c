import { isUtf8 } from 'node:buffer';
import { InvalidArgumentError, type Command } from 'commander';
import {
  batchesOf,
  listQuarantine,
  showQuarantined,
  type QuarantineFilter,
  type QuarantinedMessage,
  type QuarantineList,
} from '../adapters/lake/reading';
import { count } from '../domain/describe-status';
import { ORDERS } from '../domain/table/orders';
import type { FailureCode } from '../domain/table/table';
import { lakeOf } from './lake';
import { replay } from './replay';
import { table } from './table';

/** Rows that `list` prints where nobody says otherwise. */
const LIMIT = 50;

interface Common {
  lake?: string;
  json?: boolean;
}

/** Adds `quarantine list`, `show` and `requeue`. */
export function addQuarantine(program: Command): void {
  const quarantine = program.command('quarantine').description('rows that broke a rule or could not be read');
  const lake = ['--lake <path>', 'the lake; default is datalake.path of the settings'] as const;

  selecting(quarantine.command('list'))
    .description('how many rows broke which rule on which day, and which they are')
    .option('--limit <number>', 'rows to print', wholeArgument, String(LIMIT))
    .option(...lake)
    .option('--json', 'as JSON')
    .action(list);

  selecting(quarantine.command('requeue'))
    .description('validate rows again by the rules of today: the batches that hold them are reprocessed')
    .option('--all', 'all rows of the quarantine')
    .option('--dry-run', 'only count what it would do')
    .option('--reason <text>', 'why; kept in the workflow')
    .option(...lake)
    .option('--json', 'as JSON')
    .action(requeue);

  quarantine
    .command('show')
    .description('one row in full, with its message as it was')
    .requiredOption('--partition <number>', 'partition of the message', wholeArgument)
    .requiredOption('--offset <offset>', 'its offset', wholeArgument)
    .option(...lake)
    .option('--json', 'as JSON')
    .action(show);
}

/** The options that choose among the rows. */
function selecting(command: Command): Command {
  return command
    .option('--rule <code>', 'only rows that break this rule', ruleArgument)
    .option('--date <YYYY-MM-DD>', 'only rows filed under this day', dateArgument)
    .option('--partition <number>', 'only messages of this partition', wholeArgument)
    .option('--from <offset>', 'and from this offset on', wholeArgument)
    .option('--to <offset>', 'and before this offset', wholeArgument);
}

interface ListOptions extends Common {
  rule?: FailureCode;
  date?: string;
  partition?: string;
  from?: string;
  to?: string;
  limit: string;
}

type Selection = Pick<ListOptions, 'rule' | 'date' | 'partition' | 'from' | 'to'>;

/** What now passes lands, once; what does not stays. The ledger keeps both entries of each batch. */
async function requeue(
  options: Common & Selection & { all?: boolean; dryRun?: boolean; reason?: string },
): Promise<void> {
  const { lake, json, all, dryRun, reason, ...selection } = options;
  if (all !== true && Object.keys(selection).length === 0)
    throw new Error('say which rows: --rule, --date, --partition with --from and --to, or --all');
  const batches = await batchesOf(lakeOf(lake), filterOf(selection));
  if (batches.length === 0) return console.log('no row of the quarantine is meant');
  await replay({ batches, dryRun, reason }, json);
}

function filterOf({ partition, ...others }: Selection): QuarantineFilter {
  if (partition === undefined && (others.from ?? others.to) !== undefined) {
    throw new Error('--from and --to are offsets of one partition: name it with --partition');
  }
  return { ...others, partition: partition === undefined ? undefined : Number(partition) };
}

async function list({ lake, json, limit, ...selection }: ListOptions): Promise<void> {
  const found = await listQuarantine(lakeOf(lake), filterOf(selection), Number(limit));
  console.log(json === true ? JSON.stringify(found, null, 2) : describeList(found).join('\n'));
}

function describeList({ rows, summary, entries, withoutLedger }: QuarantineList): string[] {
  const left = rows - entries.length;
  return [
    ...(withoutLedger ? ['note: there is no ledger, so files count whether they were committed or not'] : []),
    ...(rows === 0
      ? []
      : [
          ...table([['rule', 'date', 'rows'], ...summary.map((s) => [s.rule, s.date, String(s.rows)])], [2]),
          '',
          ...table(
            [
              [ORDERS.key.name, ORDERS.position.name, 'partition', 'offset', 'batch', 'failed rules'],
              ...entries.map(({ orderId, createdAt, partition, offset, batch, failedRules }) => [
                orderId ?? '-',
                createdAt ?? '-',
                String(partition),
                offset,
                String(batch),
                failedRules.join(', '),
              ]),
            ],
            [0, 2, 3, 4],
          ),
          ...(left > 0 ? [`… and ${left} more (--limit)`] : []),
          '',
        ]),
    `${count(rows, 'row')} in quarantine`,
  ];
}

async function show(options: Common & { partition: string; offset: string }): Promise<void> {
  const { partition, offset, lake, json } = options;
  const storage = lakeOf(lake);
  const found = await showQuarantined(storage, Number(partition), offset);
  if (found.length === 0) {
    throw new Error(
      `the quarantine of ${storage.lake.location} holds no message of partition ${partition}, offset ${offset}. It landed well, was a repeat, or has not landed.`,
    );
  }
  if (json === true) {
    const readable = found.map((message) => ({
      ...message,
      key: textOf(message.key),
      value: textOf(message.value),
    }));
    console.log(JSON.stringify(readable, null, 2));
  } else console.log(found.map((message) => describeMessage(message).join('\n')).join('\n\n'));
}

function describeMessage(message: QuarantinedMessage): string[] {
  const { partition, offset, batch, file, kafkaTimestamp, failedRules, error, columns, key, value } = message;
  const fields: [string, string][] = [
    ['message', `partition ${partition}, offset ${offset}, of ${kafkaTimestamp ?? 'no time'}`],
    ['batch', `${batch}, ${file}`],
    ['failed rules', failedRules.join(', ')],
    ['reasons', error],
    ...Object.entries(columns).map(([name, text]): [string, string] => [name, text ?? '-']),
    ['key', textOf(key) ?? '-'],
    ['value', textOf(value) ?? '-'],
  ];
  return fields.map(([label, text]) => `${label.padEnd(16)}${harmless(text)}`);
}

/** A message may hold what a terminal takes for a command. */
function harmless(text: string): string {
  return text.replace(
    /(?![\n\t])\p{Cc}/gu,
    (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

/** As it is where it is UTF-8, else in hex. */
function textOf(bytes: Buffer | null): string | null {
  if (bytes === null) return null;
  return isUtf8(bytes) ? bytes.toString('utf8') : `0x${bytes.toString('hex')}`;
}

function ruleArgument(text: string): FailureCode {
  if (Object.hasOwn(ORDERS.failures, text)) return text;
  throw new InvalidArgumentError(`It is one of ${Object.keys(ORDERS.failures).join(', ')}.`);
}

function dateArgument(text: string): string {
  if (/^\d{4}-\d\d-\d\d$/.test(text)) return text;
  throw new InvalidArgumentError('It is a day such as 2025-11-18.');
}

function wholeArgument(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('It is a whole number.');
}
