import { rmdir, statfs } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { mayWrite, nearest } from '../../../shared/writable';
import type { Room } from '../../../../ports';
import type { Roots } from './epoch';
import { probeDirectory } from './probe';
import { requireWithin } from './within';

/** Skipped by readers. A directory of its own, so that a landing that probes at this moment is not disturbed. */
const PROBE = '_doctor';

/** Does what landing does, in a directory that is there; one that is not is not made, only the right to make it looked at. */
export async function tryDirectory(directory: string): Promise<string> {
  if ((await nearest(directory)) !== resolve(directory)) return mayWrite(directory);
  await requireWithin(directory, join(directory, PROBE));
  await probeDirectory(join(directory, PROBE));
  await rmdir(join(directory, PROBE));
  return 'writable, with atomic renames and hard links';
}

/** Of the file systems that hold lake and quarantine, or will. */
export async function roomOf({ lake, quarantine }: Roots): Promise<Room> {
  const [one, other] = await Promise.all([nearest(lake), nearest(quarantine)]);
  const disk = await statfs(one);
  return {
    freeBytes: disk.bavail * disk.bsize,
    sizeBytes: disk.blocks * disk.bsize,
    alike: disk.type === (await statfs(other)).type,
  };
}
