import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/**
 * A process, told apart from any later one that is given the same pid. Everything that sends a signal goes
 * through this: pids are remembered in files for days, and the kernel hands out old numbers again.
 */
export interface ProcessIdentity {
  pid: number;
  /** When it started, as the system tells it (on Linux boot id and clock ticks); only ever compared. */
  startedAt: string;
}

interface ProcessRow {
  pid: number;
  parent: number;
  startedAt: string;
}

/** The identity of a live process; undefined if there is none (or only the zombie of one). */
export function identify(pid: number): ProcessIdentity | undefined {
  const row = process.platform === 'linux' ? readProc(pid) : readPs(pid);
  return row && { pid, startedAt: row.startedAt };
}

/** Whether that very process still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** The process and all its descendants, parents first. */
export function withDescendants(identity: ProcessIdentity): ProcessIdentity[] {
  const rows = allProcesses();
  const family = [identity];
  for (const member of family) {
    family.push(
      ...rows.filter((row) => row.parent === member.pid).map(({ pid, startedAt }) => ({ pid, startedAt })),
    );
  }
  return family;
}

function allProcesses(): ProcessRow[] {
  if (process.platform !== 'linux')
    return parsePs(execFileSync('ps', ['-A', ...psColumns], { encoding: 'utf8' }));
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProc(Number(name)))
    .filter((row) => row !== undefined);
}

let bootId: string | undefined;

/** Read from /proc, because slim container images have no `ps`. */
function readProc(pid: number): ProcessRow | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // "pid (name) state parent …": the name may hold spaces and brackets, so count from the last bracket.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'X' || (fields[0] === 'Z' && !hasThreads(pid))) return undefined;
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { pid, parent: Number(fields[1]), startedAt: `${bootId}/${fields[19] ?? ''}` };
}

/**
 * A process whose first thread has ended looks like a zombie already while its other threads, and with them its
 * open ports and locked files, are still going away: JVMs take some 100 ms.
 */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

const psColumns = ['-o', 'pid=,ppid=,state=,lstart='];

function readPs(pid: number): ProcessRow | undefined {
  try {
    return parsePs(execFileSync('ps', [...psColumns, '-p', String(pid)], { encoding: 'utf8' }))[0];
  } catch {
    return undefined; // ps exits with 1 if there is no such process
  }
}

function parsePs(output: string): ProcessRow[] {
  return output.split('\n').flatMap((line) => {
    const [, pid, parent, state, startedAt] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*\S)\s*$/.exec(line) ?? [];
    if (!pid || !parent || !startedAt || state?.startsWith('Z')) return [];
    return [{ pid: Number(pid), parent: Number(parent), startedAt }];
  });
}
