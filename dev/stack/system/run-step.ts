import { spawn } from 'node:child_process';
import { lastLines, logSize, withLogFile } from './log-file';
import { StackError } from '../types';
import type { Account } from './accounts';

export interface Step {
  /** What is being done, as in "building the Temporal server, once". */
  title: string;
  command: string;
  args: string[];
  cwd: string;
  env?: Record<string, string>;
  account?: Account | undefined;
  logFile: string;
  onProgress: (line: string) => void;
}

/** Long enough not to flood a CI log in a four-minute build, short enough to show that it goes on. */
const progressEveryMs = 20_000;

/** Runs a preparing command to its end, with its output in a log; fails with the log's last lines. */
export async function runStep(step: Step): Promise<void> {
  const { title, command, args, cwd, account, logFile, onProgress } = step;
  const start = Date.now();
  const from = logSize(logFile);
  const as = account ? { uid: account.uid, gid: account.gid } : {};
  const timer = setInterval(() => {
    onProgress(`${title}: … ${Math.round((Date.now() - start) / 1000)} s so far`);
  }, progressEveryMs);
  try {
    const end = await new Promise<string>((resolve) => {
      const child = withLogFile(logFile, (log) =>
        spawn(command, args, {
          cwd,
          env: { ...process.env, ...step.env },
          stdio: ['ignore', log, log],
          ...as,
        }),
      );
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal ?? (code === 0 ? 'done' : `exit code ${code}`)));
    });
    if (end !== 'done') {
      throw new StackError(`${title} failed (${end}). Log: ${logFile}\n${lastLines(logFile, from)}`);
    }
  } finally {
    clearInterval(timer);
  }
}
