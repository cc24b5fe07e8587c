import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerContext, ServerDefinition } from './servers/definition';
import { lastLines, logSize } from './system/log-file';
import { findFreePort, isFree } from './system/ports';
import { isAlive } from './system/process-identity';
import { spawnServer } from './system/spawn-server';
import { killProcess, stopProcess } from './system/stop-process';
import { StackError, titles, type Settings } from './types';

/** A cold start takes 1–4 s; this is for machines that are busy with much else. */
const startTimeoutMs = 120_000;

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
      const problem = await untilAnswers(server, context);
      if (problem) throw failure(server, context, problem, 0);
      return;
    }
    onProgress(`${titles[name]}: restarting it, other settings are wanted`);
    await stopServer(server, context);
  }
  if (settings) home.update(name, { settings });
  await choosePorts(server, context);
  const command = await server.prepare(context);
  const started = Date.now();
  const from = logSize(home.logFile(name));
  const { identity, ended } = spawnServer(command, home.logFile(name));
  home.update(name, { process: identity });
  const problem = await untilAnswers(server, context, ended);
  if (problem) {
    await killProcess(identity);
    throw failure(server, context, problem, from);
  }
  onProgress(`${titles[name]}: running (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

/** Orderly stop of a server that we started; nothing if it does not run. */
export async function stopServer(server: ServerDefinition, context: ServerContext): Promise<boolean> {
  const remembered = context.home.get(server.name).process;
  if (!remembered) return false;
  const ran = isAlive(remembered);
  if (ran) await stopProcess(remembered, server.stopSignal, server.stopTimeoutMs);
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

/**
 * Returns undefined when the server answers, else what is wrong with it.
 * @param ended settles when the process dies; not known of a process that an earlier command started.
 */
async function untilAnswers(
  server: ServerDefinition,
  context: ServerContext,
  ended?: Promise<string>,
): Promise<string | undefined> {
  const end = Date.now() + startTimeoutMs;
  for (;;) {
    try {
      await server.request(context);
      return undefined;
    } catch (error) {
      if (!isRunning(server, context)) return ended ?? 'has just stopped';
      if (Date.now() > end) {
        const answer = error instanceof Error ? error.message : String(error);
        return `did not serve a request within ${startTimeoutMs / 1000} s (last answer: ${answer})`;
      }
      await sleep(50);
    }
  }
}

function failure(server: ServerDefinition, { home }: ServerContext, what: string, from: number): StackError {
  const logFile = home.logFile(server.name);
  const log = lastLines(logFile, from);
  const remedy = server.remedy?.(log);
  return new StackError(
    [`${titles[server.name]} ${what}. Log: ${logFile}`, log, ...(remedy ? [remedy] : [])].join('\n'),
  );
}

function sameSettings(one: Settings, other: Settings): boolean {
  const sorted = (settings: Settings): string => JSON.stringify(Object.entries(settings).sort());
  return sorted(one) === sorted(other);
}
