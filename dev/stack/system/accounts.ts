import { execFileSync, spawnSync } from 'node:child_process';
import { userInfo } from 'node:os';
import { StackError } from '../types';

/** An account to run a server as; undefined means as ourselves. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** Tried in this order. Both own little or nothing, so a server that runs as one of them can harm little. */
const candidates = ['postgres', 'nobody'];

/**
 * PostgreSQL refuses to run as root. There (containers, CI) it runs as an account that exists already:
 * making a new one would be a change of the machine that outlives the stack.
 */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of candidates) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync('id', [flag, name], { stdio: 'pipe' }).toString());
      return { name, uid: id('-u'), gid: id('-g') };
    } catch {
      continue; // no such account here
    }
  }
  throw new StackError(
    `PostgreSQL refuses to run as root, and this machine has none of the accounts ${candidates.join(', ')} to run ` +
      `it as. Run as another user than root, or make such an account.`,
  );
}

/** PostgreSQL and Temporal both look up the name of whoever starts them; a container may run as a number alone. */
export function requireNamedUser(): void {
  try {
    userInfo();
  } catch {
    throw new StackError(
      `PostgreSQL and Temporal do not start for a user without a name, and id ${process.getuid?.()} has none on this machine. ` +
        'Run as another user, or give this one a line in /etc/passwd.',
    );
  }
}

/** Whether the account can enter the directory: a parent that is closed to others (0700) keeps it out. */
export function canEnter(account: Account | undefined, directory: string): boolean {
  if (!account) return true;
  const { uid, gid } = account;
  return spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', directory], { uid, gid, cwd: '/' }).status === 0;
}
