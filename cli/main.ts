/** `npm run orders -- <command>`: thin conveniences over the Temporal client. */
import { Command } from 'commander';
import { settingsTable } from '../configs/describe';
import { LastingFailure } from '../domain/errors';
import { addRequests } from './ask';
import { audit } from './audit';
import { doctor } from './doctor';
import { addQuarantine } from './quarantine';
import { addReplay } from './replay';
import { setup } from './setup';
import { start } from './start';
import { status } from './status';
import { verify } from './verify';

const program = new Command('orders').description('Operate orders-stream.').showHelpAfterError();

program
  .command('setup')
  .description('register the search attributes in the Temporal namespace; harmless when repeated')
  .option('--verify-every <time>', 'also compare source, topic and lake on a schedule, e.g. every 1h')
  .action(setup);

program
  .command('doctor')
  .description('look at PostgreSQL, Kafka, lake and Temporal; exit code 1 if anything is broken')
  .option('--json', 'as JSON')
  .action(doctor);

program
  .command('start')
  .description('start both workflows; harmless when they run already')
  .option('--start-from <timestamp>', 'capture rows after this moment, e.g. 2025-11-18T00:00:00Z')
  .option(
    '--accept-lake',
    'land into the lake as it stands, though others had landed in it, or in another one',
  )
  .option('--no-check', 'without the look at PostgreSQL and Kafka from here that comes first')
  .action(start);

program
  .command('status')
  .description('what both workflows say of themselves')
  .option('--json', 'as JSON')
  .action(status);

program
  .command('audit')
  .description(
    'prove ledger and files of the lake, without any server; exit code 1 for problems, 2 for no lake',
  )
  .option('--lake <path>', 'the lake; default is datalake.path of the settings')
  .option('--json', 'as JSON')
  .action(audit);

program
  .command('verify')
  .description(
    'compare source, topic and lake; exit code 1 for a difference, 2 where they could not be compared',
  )
  .option('--from <timestamp>', 'created_at from this moment on (UTC); default is the beginning')
  .option('--to <timestamp>', 'created_at before this moment; default is what has landed')
  .option('--json', 'as JSON')
  .action(verify);

addQuarantine(program);
addRequests(program);
addReplay(program);

program
  .command('settings')
  .description('every setting, its default and reason, as a Markdown table')
  .action(() => console.log(settingsTable()));

program.parseAsync().catch((error: Error) => {
  console.error(error instanceof LastingFailure ? `${error.type}: ${error.message}` : error.message);
  process.exit(1);
});
