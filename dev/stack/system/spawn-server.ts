import { spawn } from 'node:child_process';
import { identify, type ProcessIdentity } from './process-identity';
import { withLogFile } from './log-file';
import type { Account } from './accounts';

export interface ServerCommand {
  command: string;
  args: string[];
  /** A directory that exists as long as the server: the checkout may go away under it. */
  cwd: string;
  /** On top of our own. */
  env?: Record<string, string>;
  /** Account to run as, if not our own. */
  account?: Account | undefined;
}

export interface StartedServer {
  identity: ProcessIdentity;
  /** Settles when the process ends, with how it ended. Never keeps this process alive. */
  ended: Promise<string>;
}

/**
 * Variables that servers read as settings of their own. Ours are for clients, and a server that obeyed them (as
 * postgres does with PGPORT) would start with something else than what the stack remembers.
 */
const clientVariables = /^(PG|KAFKA_|TEMPORAL_|AWS_)/;

/** Starts a server detached, in a process group of its own: Ctrl-C in the caller's terminal does not reach it. */
export function spawnServer(server: ServerCommand, logFile: string): StartedServer {
  const { command, args, cwd, account } = server;
  const ours = Object.entries(process.env).filter(([name]) => !clientVariables.test(name));
  const env = { ...Object.fromEntries(ours), ...server.env };
  const as = account ? { uid: account.uid, gid: account.gid } : {};
  const child = withLogFile(logFile, (log) =>
    spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log], ...as }),
  );
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`could not be started: ${error.message}`));
    child.once('exit', (code, signal) =>
      resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`),
    );
  });
  child.unref();
  // Read before the event loop turns: until then even a process that has died already can be looked at.
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  return { identity: identity ?? { pid: child.pid ?? -1, startedAt: 'never' }, ended };
}
