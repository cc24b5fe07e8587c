import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { addressesOf, fromEnvironment } from './addresses';
import { foreignServerAnswers, requireAnswers } from './foreign-servers';
import { Home, withHome } from './home';
import { missingToolsError, type MissingTool } from './missing-tools';
import { selectServers } from './servers/all';
import { isOutside } from './servers/postgres-data-directory';
import { prometheusAddress } from './servers/prometheus';
import type { ServerContext, ServerDefinition } from './servers/definition';
import { ensureRunning, isRunning, stopServer } from './start-server';
import { requireNamedUser } from './system/accounts';
import { killProcess } from './system/stop-process';
import {
  allServerNames,
  serverNames,
  titles,
  type AnyServerName,
  type ServerName,
  type ServerStatus,
  type Settings,
  type StackAddresses,
  type StackOptions,
} from './types';

export {
  StackError,
  allServerNames,
  serverNames,
  type AnyServerName,
  type S3Addresses,
  type ServerName,
  type ServerStatus,
  type StackAddresses,
  type StackOptions,
} from './types';

/**
 * Starts what does not run yet, keeping data and ports, and returns when every server answers real requests.
 * Servers named by the environment are only checked. Safe to repeat, also by two processes at the same time.
 */
export function up(options: StackOptions = {}): Promise<StackAddresses> {
  return withHome(options, async (home) => {
    const context = contextOf(home, options);
    const outside = fromEnvironment(home, options);
    await requireAnswers(addressesOf(home, options), outside);
    if (options.observe === true) home.update('prometheus', { wanted: true });
    if (options.s3 === true) home.update('s3', { wanted: true });
    const servers = chosen(home, options).filter((server) => !(server.name in outside));
    const starting = servers.filter((server) => !isRunning(server, context));
    if (starting.length > 0) requireNamedUser();
    const missing: MissingTool[] = [];
    for (const server of starting) missing.push(...(await server.missingTools()));
    if (missing.length > 0) throw missingToolsError(missing);
    const settings: Partial<Record<AnyServerName, Settings | undefined>> = {
      kafka: options.kafkaProperties,
      temporal: options.temporalDynamicConfig,
    };
    // Side by side: each waits for disks and JVMs. One that fails does not undo the others.
    const results = await Promise.allSettled(
      servers.map(async (server) => {
        try {
          await ensureRunning(server, context, settings[server.name]);
          await server.whenRunning?.(context);
        } catch (error) {
          // All is told at the end, which may be minutes away.
          context.onProgress((error as Error).message.split('\n', 1).join());
          throw error;
        }
      }),
    );
    const failures = results
      .filter((result) => result.status === 'rejected')
      .map(({ reason }) => reason as Error);
    const [first, ...others] = failures;
    if (first) {
      first.message = [first, ...others].map(({ message }) => message).join('\n\n');
      throw first;
    }
    return addressesOf(home, options);
  });
}

/** Stops the servers in good order, keeping their data. Only processes this stack started are touched. */
export async function down(options: StackOptions = {}): Promise<void> {
  if (!Home.open(options).exists) return;
  await withHome(options, async (home) => {
    const context = contextOf(home, options);
    await Promise.all(
      chosen(home, options).map(async (server) => {
        if (await stopServer(server, context)) context.onProgress(`${titles[server.name]}: stopped`);
      }),
    );
  });
}

/** Kills a server (SIGKILL, with all its children), as a crash would. `up` brings it back with its data. */
export async function kill(name: AnyServerName, options: StackOptions = {}): Promise<void> {
  if (!Home.open(options).exists) return;
  await withHome(options, async (home) => {
    const remembered = home.get(name).process;
    if (remembered) await killProcess(remembered);
    home.update(name, { process: undefined });
  });
}

/** Stops the servers and deletes the stack with all its data. For the stacks of tests. */
export async function destroy(options: StackOptions = {}): Promise<void> {
  const home = Home.open(options);
  if (!home.exists) return;
  await down({ ...options, servers: undefined });
  const { dataDirectory } = home.get('postgres');
  if (dataDirectory && isOutside(dataDirectory)) rmSync(dataDirectory, { recursive: true, force: true });
  // By their names: a home that was given by mistake must not take other people's files with it.
  for (const part of [...allServerNames, 'logs', 'state.json', 'lock']) {
    rmSync(join(home.directory, part), { recursive: true, force: true });
  }
  if (existsSync(home.directory) && readdirSync(home.directory).length === 0) rmdirSync(home.directory);
}

/** What each server is doing now. */
export async function status(options: StackOptions = {}): Promise<ServerStatus[]> {
  const home = Home.open(options);
  const context = contextOf(home, options);
  const outside = fromEnvironment(home, options);
  const addresses = addressesOf(home, options);
  const address: Record<AnyServerName, string> = {
    postgres: addresses.PGHOST && `${addresses.PGHOST}:${addresses.PGPORT}`,
    kafka: addresses.KAFKA_BROKERS,
    temporal: addresses.TEMPORAL_ADDRESS,
    prometheus: prometheusAddress(home),
    s3: addresses.AWS_ENDPOINT_URL_S3 ?? '',
  };
  return Promise.all(
    chosen(home, options).map(async (server) => {
      const { name } = server;
      if (isNeeded(name) && name in outside) {
        const running = await foreignServerAnswers(name, addresses);
        return { server: name, running, fromEnvironment: true, address: address[name] };
      }
      const running = isRunning(server, context);
      const { process: remembered, dataDirectory } = home.get(name);
      const logFile = existsSync(home.logFile(name)) ? home.logFile(name) : undefined;
      const pid = running ? remembered?.pid : undefined;
      return {
        server: name,
        running,
        fromEnvironment: false,
        pid,
        address: address[name],
        logFile,
        dataDirectory,
      };
    }),
  );
}

/** The addresses as remembered, without starting anything; undefined if no stack was started here yet. */
export function readAddresses(options: StackOptions = {}): Promise<StackAddresses | undefined> {
  const home = Home.open(options);
  const known = home.exists || Object.keys(fromEnvironment(home, options)).length > 0;
  return Promise.resolve(known ? addressesOf(home, options) : undefined);
}

/** Those of the options; without them all that a pipeline needs, and what was wanted beside. */
function chosen(home: Home, { servers }: StackOptions): ServerDefinition[] {
  const beside = allServerNames.filter((name) => !isNeeded(name) && isWanted(home, name));
  return selectServers(servers ?? [...serverNames, ...beside]);
}

/** Also one that was started by its name: it is stopped with the others. */
function isWanted(home: Home, name: AnyServerName): boolean {
  const { wanted, process: remembered } = home.get(name);
  return wanted === true || remembered !== undefined;
}

function isNeeded(name: AnyServerName): name is ServerName {
  return serverNames.some((needed) => needed === name);
}

function contextOf(home: Home, options: StackOptions): ServerContext {
  return { home, onProgress: options.onProgress ?? (() => undefined) };
}
