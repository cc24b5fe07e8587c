import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerContext, ServerDefinition } from './servers/definition';
import { lastLines, logSize } from './system/log-file';
import { findFreePort, isFree } from './system/ports';
import { isAlive } from './system/process-identity';
import { spawnServer } from './system/spawn-server';
import { killProcess, stopProcess } from './system/stop-process';
import { StackError, titles, type Settings } from './types';

/** A cold start takes 1–4 s; this is for machines that are busy with much else. */
const startPatienceMs = 120_000;

/** Whether the server's process, as remembered, runs. */
export function isRunning(server: ServerDefinition, { home }: ServerContext): boolean {
  const remembered = home.get(server.name).process;
  return remembered !== undefined && isAlive(remembered);
}

/** Starts the server unless it runs, with the given settings if any, and returns when it answers a real request. */
export async function ensureRunning(
  server: ServerDefinition,
  context: ServerContext,
  settings: Settings | undefined,
): Promise<void> {
  const { home, onProgress } = context;
  const { name } = server;
  if (isRunning(server, context)) {
    if (settings === undefined || sameSettings(settings, home.get(name).settings)) {
      return untilAnswers(server, context, undefined);
    }
    onProgress(`${titles[name]}: restarting it, other settings are wanted`);
    await stopServer(server, context);
  }
  if (settings) home.update(name, { settings });
  await choosePorts(server, context);
  const command = await server.prepare(context);
  const started = Date.now();
  const logFile = home.logFile(name);
  const from = logSize(logFile);
  const { identity, ended } = spawnServer(command, logFile);
  home.update(name, { process: identity });
  try {
    await untilAnswers(server, context, ended);
  } catch (error) {
    await killProcess(identity);
    const log = lastLines(logFile, from);
    const remedy = server.remedy?.(log);
    throw new StackError(
      `${titles[name]} ${(error as Error).message}. Log: ${logFile}\n${log}${remedy ? `\n${remedy}` : ''}`,
      { cause: error },
    );
  }
  onProgress(`${titles[name]}: running (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** Orderly stop of a server that we started; nothing if it does not run. */
export async function stopServer(server: ServerDefinition, context: ServerContext): Promise<boolean> {
  const remembered = context.home.get(server.name).process;
  if (!remembered) return false;
  const ran = isAlive(remembered);
  if (ran) await stopProcess(remembered, server.stopSignal, server.stopPatienceMs);
  context.home.update(server.name, { process: undefined });
  return ran;
}

/** Keeps the remembered ports, so that clients find a restarted server again, except those taken meanwhile. */
async function choosePorts(server: ServerDefinition, { home, onProgress }: ServerContext): Promise<void> {
  const { ports } = home.get(server.name);
  const chosen: Record<string, number> = {};
  for (const use of server.ports) {
    const remembered = ports[use];
    const free = remembered !== undefined && (await isFree(remembered));
    const port = free ? remembered : await findFreePort();
    if (remembered !== undefined && !free) {
      onProgress(
        `${titles[server.name]}: another program has taken port ${remembered} (${use}) meanwhile; using ${port} from ` +
          `now on. Clients that were given the old address need the new one: npm run --silent stack -- env`,
      );
    }
    chosen[use] = port;
  }
  home.update(server.name, { ports: chosen });
}

/** @param ended settles when the process dies; not known of a process that an earlier command started. */
async function untilAnswers(
  server: ServerDefinition,
  context: ServerContext,
  ended: Promise<string> | undefined,
): Promise<void> {
  let death: string | undefined;
  void ended?.then((how) => (death = how));
  const end = Date.now() + startPatienceMs;
  for (;;) {
    try {
      return await server.request(context);
    } catch (error) {
      if (death) throw new Error(death);
      if (!ended && !isRunning(server, context))
        throw new StackError(`${titles[server.name]} has just stopped`);
      if (Date.now() > end) {
        const last = error instanceof Error ? error.message : String(error);
        throw new StackError(`did not answer within ${startPatienceMs / 1000} s (last answer: ${last})`);
      }
      await sleep(50);
    }
  }
}

function sameSettings(one: Settings, other: Settings): boolean {
  const sorted = (settings: Settings): string => JSON.stringify(Object.entries(settings).sort());
  return sorted(one) === sorted(other);
}
