/** `npm run demo`: the whole pipeline on real servers, from nothing, with a check at the end. */
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import type { Pool } from 'pg';
import { lastEntry, openStorage } from '../../adapters/lake/reading';
import { withClient } from '../../cli/client';
import { loadSettings } from '../../configs/load';
import type { Settings } from '../../configs/schema';
import { loadTemporal } from '../../configs/temporal';
import { homeDirectory } from '../stack/home';
import { launchWorkers, type Workers } from '../workers';
import { Interrupt } from './interrupt';
import { runLive } from './live-phase';
import { openPool } from './orders-table';
import { sendOrdersWithoutId } from './other-producer';
import { Pipeline } from './pipeline';
import { counted, detail, dim, messageOf, red, step, title } from './print';
import { printLake, printNext, printCheck, workflowLinks } from './report';
import { prepareTable } from './prepare-table';
import { demoServers, type Servers } from './servers';

interface Options {
  once: boolean;
  seconds: number;
  rate: number;
  s3: boolean;
}

/** Nobody watches a CI job, and nothing may be left running after it. */
const isCi = process.env['CI'] === 'true';

/** What must be stopped, however the demo ends. */
const open: { servers?: Servers; workers?: Workers; pool?: Pool } = {};

async function demo(options: Options, interrupt: Interrupt): Promise<boolean> {
  const begin = Date.now();
  title('orders-stream: orders from PostgreSQL through Kafka into a Parquet lake, each exactly once');

  step('Servers');
  const servers = await demoServers({ s3: options.s3 });
  // Also those that came up beside one that failed.
  const addresses = await servers.start().finally(() => (open.servers = servers));
  const settings = loadSettings();
  const { namespace } = loadTemporal();
  return withClient(async (client) => {
    open.workers = launchWorkers({
      // A free port each, unless whoever starts the demo wants others.
      env: { METRICS_LISTEN: process.env['METRICS_LISTEN'] ?? '127.0.0.1:0' },
      logFile: join(homeDirectory({}), 'logs', 'demo-worker.log'),
    });
    open.pool = openPool(settings.postgres);

    step('Orders');
    const table = await prepareTable(open.pool, settings);
    for (const line of table.told) detail(line);
    if (options.s3 && table.filled === 0) await requireOwnLake(settings);

    step('Workers');
    await open.workers.ready;
    detail('both task queues are served; their log is .stack/logs/demo-worker.log');
    for (const [queue, endpoint] of open.workers.endpoints)
      detail(dim(`metrics of ${queue}: ${endpoint}/metrics`));

    step('Workflows');
    const pipeline = new Pipeline(client);
    const { ranAlready } = await pipeline.start();
    detail(ranAlready ? 'captureOrders and landOrders go on' : 'captureOrders and landOrders started');
    const links = workflowLinks(addresses, namespace);
    for (const link of links) detail(dim(link));
    if (table.filled > 0) await sendOrdersWithoutId(settings.kafka);

    step('Live orders');
    const { result, freshness } = await runLive({
      pool: open.pool,
      settings,
      pipeline,
      workers: open.workers,
      interrupt,
      perSecond: options.rate,
      seconds: options.once ? options.seconds : undefined,
      before: table,
    });
    if (freshness !== undefined) {
      const [p50, p95, worst] = [freshness.p50, freshness.p95, freshness.worst].map((s) => s.toFixed(2));
      detail();
      detail(
        `freshness of ${counted(freshness.orders, 'live order')}: p50 ${p50} s, p95 ${p95} s, worst ${worst} s`,
      );
      detail(dim('from just before the INSERT to a listing of the lake, every 0.1 s, that shows its file'));
    }

    step('Check');
    printCheck(result);
    step('The lake');
    await printLake(settings.datalake);
    if (result.equal) await end(settings, links, begin);
    return result.equal;
  });
}

/** Orders that have landed in a directory do not land again in a bucket. */
async function requireOwnLake({ datalake }: Settings): Promise<void> {
  if ((await lastEntry(openStorage(datalake).lake)) !== undefined) return;
  throw new Error(
    `The orders of this stack have landed elsewhere: ${datalake.path} is empty. Begin anew, without what is there: ` +
      'npm run stack -- down --destroy ; rm -r data ; npm run demo -- --s3',
  );
}

async function end(settings: Settings, links: readonly string[], begin: number): Promise<void> {
  step('What next');
  await close();
  printNext(settings.datalake.path, links, !isCi);
  const rest = isCi ? 'Workers and servers are stopped.' : 'The workers are stopped, the servers go on.';
  detail(dim(`${rest} The demo took ${Math.round((Date.now() - begin) / 1000)} s.`));
}

/** The workers hand back what they do within 10 s of SIGTERM. */
const STOP_TIMEOUT_MS = 15_000;

/** Safe to repeat. Servers stay, but for a CI job's own. */
async function close(timeoutMs = STOP_TIMEOUT_MS): Promise<void> {
  const { workers, pool, servers } = open;
  delete open.workers;
  delete open.pool;
  await workers?.stop(timeoutMs);
  await pool?.end();
  if (isCi) {
    delete open.servers;
    await servers?.stopStarted();
  }
}

const LEAVE_TIMEOUT_MS = 5_000;

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError('It must be a number above 0.');
  return value;
}

async function main(): Promise<void> {
  const program = new Command('npm run demo --')
    .description(
      'The whole pipeline on real servers, from nothing. Ctrl-C ends it with a check; twice leaves.',
    )
    .option('--once', 'end by itself after some seconds (also with CI=true)', isCi)
    .option('--seconds <number>', 'with --once: how long orders are inserted', positive, 15)
    .option('--s3', 'the lake in a bucket of an S3 server', false)
    .option('--rate <number>', 'live orders a second', positive, 40)
    .showHelpAfterError()
    .parse();

  const interrupt = new Interrupt((code) => {
    console.log('\nLeaving. The workers are being stopped; what is under way lands when they run again.');
    void close(LEAVE_TIMEOUT_MS).finally(() => process.exit(code));
  });

  let equal = false;
  try {
    equal = await demo(program.opts<Options>(), interrupt);
  } catch (error) {
    if (!interrupt.leaving) console.error(`\n${red('The demo failed.')} ${messageOf(error)}`);
  }
  if (interrupt.leaving) return;
  await close().catch((error: Error) => console.error(error.message));
  process.exit(equal ? 0 : 1);
}

void main();
