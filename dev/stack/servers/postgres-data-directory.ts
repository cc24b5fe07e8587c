import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Home } from '../home';
import { canEnter, type Account } from '../system/accounts';

/** Data of stacks whose home PostgreSQL's account cannot enter. Only root, who can always write there, needs it. */
const outside = '/var/lib/orders-stream';

/**
 * The directory for PostgreSQL's data: in the home; but a clone below /root or in a `mktemp -d` directory (both 0700)
 * is closed to the account that a root user's PostgreSQL runs as, and then it is outside. Chosen once, remembered.
 */
export function chooseDataDirectory(home: Home, account: Account | undefined): string {
  const remembered = home.get('postgres').dataDirectory;
  if (remembered) {
    mkdirSync(remembered, { recursive: true });
    return remembered;
  }
  const inside = join(home.directory, 'postgres');
  mkdirSync(inside, { recursive: true, mode: 0o755 });
  if (canEnter(account, inside)) return inside;
  const hash = createHash('sha256').update(home.directory).digest('hex').slice(0, 12);
  const directory = join(outside, `${basename(dirname(home.directory))}-${hash}`);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  return directory;
}

/** Whether that directory lies outside the home, and so must be deleted by itself. */
export function isOutside(directory: string): boolean {
  return directory.startsWith(`${outside}/`);
}
