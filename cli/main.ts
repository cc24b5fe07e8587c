/** `npm run orders -- <command>`: thin conveniences over the Temporal client. */
import { Command } from 'commander';
import { describeFailure } from '../domain/errors';
import { ORDERS } from '../domain/table/orders';

/** A command's code is loaded when it runs: help needs none of the libraries, which take most of a second. */
function loading<A extends unknown[]>(load: () => Promise<(...args: A) => unknown>) {
  return async (...args: A): Promise<void> => void (await (await load())(...args));
}

const program = new Command('orders').description('Operate orders-stream.').showHelpAfterError();

program
  .command('setup')
  .description('register the search attributes in the Temporal namespace; harmless when repeated')
  .option('--verify-every <time>', 'also compare source, topic and lake on a schedule, e.g. every 1h')
  .action(loading(async () => (await import('./setup')).setup));

program
  .command('doctor')
  .description('look at PostgreSQL, Kafka, lake and Temporal; exit code 1 if anything is broken')
  .option('--json', 'as JSON')
  .action(loading(async () => (await import('./doctor')).doctor));

program
  .command('start')
  .description('start both workflows; harmless when they run already')
  .option('--start-from <timestamp>', 'capture rows after this moment, e.g. 2025-11-18T00:00:00Z')
  .option(
    '--accept-lake',
    'land into the lake as it stands, though others had landed in it, or in another one',
  )
  .option('--no-check', 'without the look at PostgreSQL and Kafka from here that comes first')
  .action(loading(async () => (await import('./start')).start));

program
  .command('status')
  .description('what both workflows say of themselves')
  .option('--json', 'as JSON')
  .action(loading(async () => (await import('./status')).status));

program
  .command('audit')
  .description(
    'prove ledger and files of the lake, without any server; exit code 1 for problems, 2 for no lake',
  )
  .option('--lake <path>', 'the lake; default is datalake.path of the settings')
  .option('--json', 'as JSON')
  .action(loading(async () => (await import('./audit')).audit));

program
  .command('verify')
  .description(
    'compare source, topic and lake; exit code 1 for a difference, 2 where they could not be compared',
  )
  .option('--from <timestamp>', `${ORDERS.position.name} from this moment on (UTC); default is the beginning`)
  .option('--to <timestamp>', `${ORDERS.position.name} before this moment; default is what has landed`)
  .option('--json', 'as JSON')
  .action(loading(async () => (await import('./verify')).verify));

program
  .command('settings')
  .description('every setting, its default and reason, as a Markdown table')
  .action(async () => console.log((await import('../configs/describe')).settingsTable()));

program
  .command('metrics')
  .description('every metric that workers serve, as a Markdown table')
  .action(async () => console.log((await import('./metrics-table')).metricsTable()));

async function main(): Promise<void> {
  const [command = ''] = process.argv.slice(2);
  if (!program.commands.some((one) => one.name() === command)) {
    (await import('./quarantine')).addQuarantine(program);
    (await import('./ask')).addRequests(program);
    (await import('./replay')).addReplay(program);
  }
  await program.parseAsync();
}

main().catch((error: Error) => {
  console.error(describeFailure(error));
  process.exit(1);
});
