import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { Option, type Command } from 'commander';
import { userName } from '../adapters/shared/user-name';
import { loadSettings } from '../configs/load';
import { count } from '../domain/describe-status';
import { WORKFLOWS } from '../domain/names';
import { formatOffsets, type Offsets } from '../domain/ranges';
import type { Pause, Reset } from '../domain/requests';
import type { CaptureStatus, LandStatus } from '../domain/status';
import { describeWatermark, formatWatermark, parseWatermark, type Watermark } from '../domain/watermark';
import { createCountRewind } from '../reconcile/open';
import type { Rewind } from '../reconcile/rewind';
import { withClient } from './client';
import { COMMAND_TELEMETRY } from './telemetry';
import { ORDERS } from '../domain/table/orders';

const SIDES = { capture: WORKFLOWS.captureOrders.id, land: WORKFLOWS.landOrders.id } as const;
type Side = keyof typeof SIDES;

const reason = ['--reason <text>', 'why; kept in status'] as const;
const side = () => new Option('--only <side>', 'one workflow instead of both').choices(Object.keys(SIDES));

/** Adds the commands that ask a running workflow for something: it answers with what it did, or why not. */
export function addRequests(program: Command): void {
  program
    .command('pause')
    .description('begin nothing new; what is in flight is finished')
    .addOption(side())
    .option(...reason)
    .action((options: { only?: Side; reason?: string }) =>
      ofEach(options.only, 'pause', because(options.reason)),
    );

  program
    .command('resume')
    .description('go on after a pause')
    .addOption(side())
    .action((options: { only?: Side }) => ofEach(options.only, 'resume', {}));

  program
    .command('reset-watermark')
    .description('capture the rows after another place; what has landed is not landed twice')
    .requiredOption(
      '--to <place>',
      `timestamp, or timestamp|${ORDERS.key.name}, e.g. "2025-11-18 10:00:00.123456|42" (UTC)`,
    )
    .option(...reason)
    .option('--dry-run', 'only count what it would do')
    .action(resetWatermark);

  program
    .command('reset-offsets')
    .description('land the messages from other offsets on; what has landed is not landed twice')
    .requiredOption('--to <offsets>', '"earliest", or partition and offset, e.g. 0=42,1=7')
    .option(...reason)
    .option('--dry-run', 'only say what it would do')
    .action(resetOffsets);

  program
    .command('undo-reset')
    .description('back to the place before the last reset')
    .argument('<side>', 'capture or land')
    .option(...reason)
    .action(undoReset);
}

async function ofEach(only: Side | undefined, name: string, payload: object): Promise<void> {
  for (const one of only === undefined ? (Object.keys(SIDES) as Side[]) : [only]) {
    const { paused } = await ask<{ paused: Pause | null }>(SIDES[one], name, payload);
    console.log(`${SIDES[one]}: ${paused === null ? 'goes on' : `paused since ${paused.since}`}`);
  }
}

interface ResetOptions {
  to: string;
  reason?: string;
  dryRun?: boolean;
}

async function resetWatermark(options: ResetOptions): Promise<void> {
  const to = parseWatermark(options.to);
  if (options.dryRun === true) {
    const { watermark } = await statusOf<CaptureStatus>(SIDES.capture);
    if (watermark === null) throw new Error(`${SIDES.capture} has no watermark yet`);
    const countRewind = createCountRewind(loadSettings(), COMMAND_TELEMETRY);
    console.log(describeRewind(await countRewind(watermark, to)));
    return;
  }
  const payload = { createdAt: to.createdAt, orderId: to.orderId, ...because(options.reason) };
  printReset(
    SIDES.capture,
    await ask<Reset<Watermark>>(SIDES.capture, 'resetWatermark', payload),
    formatWatermark,
  );
}

function describeRewind({ from, to, direction, rows, landed, quarantined }: Rewind): string {
  const places = `from ${describeWatermark(from)} to ${describeWatermark(to)}`;
  if (direction === 'nowhere')
    return `the watermark is at ${describeWatermark(to)} already: nothing would change`;
  const there = `${landed} of them stand in the lake and ${quarantined} in quarantine`;
  return direction === 'backwards'
    ? `${places}: ${count(rows, 'row')} would be published again; ${there}, which are not landed twice`
    : `${places}: ${count(rows, 'row')} would be PASSED OVER and not be captured; ${there}`;
}

async function resetOffsets(options: ResetOptions): Promise<void> {
  const offsets = options.to === 'earliest' ? options.to : offsetsOf(options.to);
  if (options.dryRun === true) {
    const { nextOffsets } = await statusOf<LandStatus>(SIDES.land);
    if (nextOffsets === null) throw new Error(`${SIDES.land} has no offsets yet`);
    console.log(describeOffsets(nextOffsets, offsets));
    return;
  }
  const payload = { offsets, ...because(options.reason) };
  printReset(SIDES.land, await ask<Reset<Offsets>>(SIDES.land, 'resetOffsets', payload), formatOffsets);
}

function describeOffsets(next: Offsets, to: Offsets | 'earliest'): string {
  if (to === 'earliest')
    return 'every message that Kafka holds would be read again; what has landed is not landed twice';
  return Object.entries(to)
    .map(([partition, offset]) => {
      const difference = BigInt(next[partition] ?? '0') - BigInt(offset);
      return difference >= 0n
        ? `partition ${partition}: ${difference} offsets would be read again; what has landed is not landed twice`
        : `partition ${partition}: ${-difference} offsets would be PASSED OVER and not be landed`;
    })
    .join('\n');
}

async function undoReset(which: string, options: { reason?: string }): Promise<void> {
  const payload = { undo: true, ...because(options.reason) };
  if (which === 'capture')
    printReset(
      SIDES.capture,
      await ask<Reset<Watermark>>(SIDES.capture, 'resetWatermark', payload),
      formatWatermark,
    );
  else if (which === 'land')
    printReset(SIDES.land, await ask<Reset<Offsets>>(SIDES.land, 'resetOffsets', payload), formatOffsets);
  else throw new Error(`${which} is neither capture nor land`);
}

function printReset<P>(id: string, { from, to, at }: Reset<P>, format: (place: P) => string): void {
  console.log(
    `${id}: reset at ${at} from ${format(from)} to ${format(to)}. Undo: orders undo-reset ${id.slice('orders-'.length)}`,
  );
}

function offsetsOf(text: string): Offsets {
  const pairs = text.split(',').map((pair) => /^\s*(\d+)\s*[=:]\s*(\d+)\s*$/.exec(pair));
  if (pairs.some((pair) => pair === null))
    throw new Error(`--to ${text}: give "earliest", or partition and offset, e.g. 0=42,1=7`);
  return Object.fromEntries(pairs.map((pair) => [pair![1]!, pair![2]!]));
}

/** Who asks is known here only: Temporal keeps the client's name in the event, where no workflow sees it. */
function because(why: string | undefined): { reason: string } {
  const by = `by ${userName()}`;
  return { reason: why === undefined ? by : `${why} (${by})` };
}

async function statusOf<S>(workflowId: string): Promise<S> {
  return withClient((client) => client.workflow.getHandle(workflowId).query<S>('status')).catch(
    notRunning(workflowId),
  );
}

/** An update: it is answered when the workflow has carried it out, which a batch in flight delays. */
async function ask<T>(workflowId: string, name: string, payload: object): Promise<T> {
  return withClient((client) =>
    client.workflow.getHandle(workflowId).executeUpdate<T, [object]>(name, { args: [payload] }),
  ).catch((error: unknown) => {
    if (error instanceof WorkflowUpdateFailedError)
      throw new Error(`${workflowId} refused ${name}: ${error.cause?.message ?? error.message}`, {
        cause: error,
      });
    return notRunning(workflowId)(error);
  });
}

const notRunning =
  (workflowId: string) =>
  (error: unknown): never => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    throw new Error(`${workflowId} does not run. Start it: npm run orders -- start`, { cause: error });
  };
