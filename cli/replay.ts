import { Option, type Command } from 'commander';
import { count, describeReplay } from '../domain/describe-status';
import { REPLAY } from '../domain/names';
import { MOST_BATCHES, readSelection, type ReplayInput, type Replayed } from '../domain/replay';
import type { ReplayStatus } from '../domain/status';
import { withClient } from './client';
import { progressLine } from './progress-line';
import { table } from './table';

/** Adds `replay`. */
export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('reprocess batches: failed ones, or others after a change of rules; landOrders must run')
    .addOption(new Option('--failed', 'those that failed').conflicts(['batches', 'dates']))
    .addOption(new Option('--batches <numbers>', 'e.g. 3,5 or 3-9, or 1-3,7').conflicts('dates'))
    .option(
      '--dates <dates>',
      'those with files of these days (UTC), e.g. 2025-11-18 or 2025-11-18..2025-11-20',
    )
    .option('--dry-run', 'only count what it would do')
    .option('--withdraw', 'give up damaged files of batches whose messages are gone from Kafka')
    .option('--reason <text>', 'why; kept in the workflow')
    .option('--json', 'as JSON')
    .action(async ({ failed, batches, dates, json, ...others }: ReplayOptions) => {
      const input: ReplayInput = { ...others };
      if (failed === true) input.batches = 'failed';
      else if (batches !== undefined) input.batches = batchesOf(batches);
      if (dates !== undefined) {
        const [from = '', to = from] = dates.split('..');
        input.dates = { from, to };
      }
      await replay(input, json);
    });
}

interface ReplayOptions {
  failed?: true;
  batches?: string;
  dates?: string;
  dryRun?: boolean;
  withdraw?: true;
  reason?: string;
  json?: boolean;
}

/** `3,5`, `3-9`, or both together, `1-3,7`, as messages about merged files name them. */
function batchesOf(text: string): number[] | { from: number; to: number } {
  const parts = text.split(',').map((part) => {
    const [, from, to] = /^(\d+)-(\d+)$/.exec(part) ?? [];
    return from === undefined ? Number(part) : { from: Number(from), to: Number(to) };
  });
  const [first, ...more] = parts;
  if (typeof first === 'object' && more.length === 0) return first;
  return parts.flatMap((part) => (typeof part === 'number' ? part : numbersOf(part)));
}

/** More than may be asked for at once are refused as what is no number. */
function numbersOf({ from, to }: { from: number; to: number }): number[] {
  const count = to - from + 1;
  return count > 0 && count <= MOST_BATCHES
    ? Array.from({ length: count }, (_, index) => from + index)
    : [NaN];
}

/** Starts `replayBatches`, follows it, and tells what it did. Exit code 1 if some batch could not be landed. Ctrl-C only stops looking. */
export async function replay(input: ReplayInput, json = false): Promise<void> {
  readSelection(input);
  const line = progressLine();
  const status = await withClient(async (client) => {
    const workflowId = `${REPLAY.idPrefix}${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
    const handle = await client.workflow.start(REPLAY.type, {
      workflowId,
      taskQueue: REPLAY.taskQueue,
      args: [input],
    });
    if (!json)
      console.log(`${workflowId} started; to stop it: temporal workflow cancel --workflow-id ${workflowId}`);
    const done = handle.result() as Promise<ReplayStatus>;
    const timer = setInterval(() => {
      void handle.query<ReplayStatus>('status').then(
        (now) => line.show(describeReplay(now).facts[0] ?? ''),
        () => undefined,
      );
    }, 1_000);
    try {
      return await done;
    } finally {
      clearInterval(timer);
      line.clear();
    }
  });
  console.log(json ? JSON.stringify(status, null, 2) : describe(status).join('\n'));
  if (status.failed > 0) process.exitCode = 1;
}

function describe(status: ReplayStatus): string[] {
  const { results, batches } = status;
  const { trouble, facts } = describeReplay(status);
  if (batches === 0) return ['no batch to reprocess'];
  const left = batches - results.length;
  return [
    ...table(
      [['batch', 'landed before', 'after', 'quarantined before', 'after', 'duplicates'], ...results.map(row)],
      [0, 1, 2, 3, 4, 5],
    ),
    ...(left > 0 ? [`and ${count(left, 'earlier batch', 'earlier batches')}`] : []),
    ...facts,
    ...trouble,
  ];
}

function row({ batch, before, after }: Replayed): string[] {
  const numbers = [before?.landed, after?.landed, before?.quarantined, after?.quarantined, after?.duplicate];
  return [String(batch), ...numbers.map((number) => (number === undefined ? '-' : String(number)))];
}
