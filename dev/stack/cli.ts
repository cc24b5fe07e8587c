import { Command, InvalidArgumentError } from 'commander';
import {
  StackError,
  allServerNames,
  destroy,
  down,
  kill,
  readAddresses,
  status,
  up,
  type AnyServerName,
} from '.';

import { METRICS_LISTEN } from './servers/prometheus';

interface HomeOption {
  home?: string;
}

const progress = (line: string): void => console.error(line);

function serverArgument(value: string): AnyServerName {
  const name = allServerNames.find((server) => server === value);
  if (!name) throw new InvalidArgumentError(`It is one of ${allServerNames.join(', ')}.`);
  return name;
}

/** Quotes for the shell: what comes from the environment may hold anything. */
function quoted(value: string): string {
  return /^[\w./:@,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}

async function printEnvironment(options: HomeOption): Promise<void> {
  const addresses = await readAddresses(options);
  if (!addresses) throw new StackError('No stack was started here yet: npm run stack -- up');
  for (const [name, value] of Object.entries(addresses) as [string, string][]) {
    if (value !== '') console.log(`export ${name}=${quoted(value)}`);
  }
  // Of workers, which the stack does not start: where those of this shell serve their metrics.
  console.log(`export METRICS_LISTEN=${METRICS_LISTEN}`);
}

async function printStatus(options: HomeOption): Promise<void> {
  for (const { server, running, fromEnvironment, pid, address, logFile, dataDirectory } of await status(
    options,
  )) {
    const state = running ? 'running' : 'stopped';
    const whose = fromEnvironment ? ' (named by the environment)' : pid ? ` (pid ${pid})` : '';
    console.log(`${server.padEnd(10)} ${state}${whose}  ${address || '-'}`);
    if (logFile) console.log(`           log   ${logFile}`);
    if (dataDirectory) console.log(`           data  ${dataDirectory}`);
  }
}

async function start(options: HomeOption & { observe?: boolean; s3?: boolean }): Promise<void> {
  const { TEMPORAL_UI, AWS_ENDPOINT_URL_S3, LAKE_PATH } = await up({ ...options, onProgress: progress });
  progress(`The stack is up.${TEMPORAL_UI ? ` Temporal Web UI: ${TEMPORAL_UI}` : ''}`);
  const prometheus = (await status(options)).find(({ server }) => server === 'prometheus');
  if (prometheus !== undefined)
    progress(`Prometheus: http://${prometheus.address}, of workers with METRICS_LISTEN=${METRICS_LISTEN}`);
  if (AWS_ENDPOINT_URL_S3 !== undefined) progress(`S3: ${AWS_ENDPOINT_URL_S3}, with LAKE_PATH=${LAKE_PATH}`);
  progress('Its addresses, for a shell: eval "$(npm run --silent stack -- env)"');
}

function program(): Command {
  const root = new Command('npm run stack --')
    .description('PostgreSQL, Kafka and Temporal as real processes on this machine')
    .showHelpAfterError();
  const command = (name: string, description: string): Command =>
    root
      .command(name)
      .description(description)
      .option('--home <directory>', 'data, logs and state (default: .stack)');
  command('up', 'start what is not running, keep data, return when all answer')
    .option(
      '--observe',
      'Prometheus, too, which scrapes the workers and evaluates ops/alerts.yml; from now on',
    )
    .option('--s3', 'an S3 server, too, with a bucket for the lake; from now on')
    .action(start);
  command(
    'env',
    'print `export NAME=value` lines (use npm run --silent, else npm prints lines of its own)',
  ).action(printEnvironment);
  command('status', 'show each server: running or not, pid, address, log, data').action(printStatus);
  command('kill', 'kill a server (SIGKILL), to see what happens')
    .argument('<server>', allServerNames.join(', '), serverArgument)
    .action((server: AnyServerName, options: HomeOption) => kill(server, options));
  command('down', 'stop the servers, keep their data')
    .option('--destroy', 'delete all their data too')
    .action((options: HomeOption & { destroy?: boolean }) => {
      const { destroy: all, ...rest } = options;
      return (all ? destroy : down)({ ...rest, onProgress: progress });
    });
  return root;
}

async function main(): Promise<void> {
  // Errors of usage are commander's own and end with 2, as shells' do; 1 is for what went wrong while working.
  const root = program();
  for (const command of [root, ...root.commands])
    command.exitOverride((error) => process.exit(error.exitCode && 2));
  try {
    await root.parseAsync();
  } catch (error) {
    console.error(error instanceof StackError ? error.message : error);
    process.exitCode = 1;
  }
}

void main();
