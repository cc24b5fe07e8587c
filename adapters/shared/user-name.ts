import { userInfo } from 'node:os';

/** Who this process runs as; a container's user need not have a name. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `id ${process.getuid?.() ?? 'unknown'}`;
  }
}
