/**
 * Which attempt may show files: one whose directory is still there. An attempt makes a directory of its own, and then looks for the entry
 * that it works at; whoever has written the entry then removes the directories of all attempts at it. So one that began before is shut out by
 * its missing directory, one that began after by the entry that it finds, however late either wakes up. Otherwise it could show a
 * batch's file again after that file was merged with others, and readers would count its rows twice.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attempt } from '../../../../ports';
import { namesIn } from './durable-file';
import { closeDirectory, orSuperseded, type Roots } from './epoch';
import { EpochWriter } from './local-storage';
import { attemptName, sequenceOfAttempt, sequenceOfTemporary, stagingOf } from './names';
import { requireWithin } from './within';

export async function beginAttempt(roots: Roots, epoch: number, sequence: number): Promise<Attempt> {
  const name = attemptName(sequence, randomBytes(8).toString('hex'));
  for (const root of [roots.lake, roots.quarantine]) {
    const staging = stagingOf(root, epoch);
    await requireWithin(root, staging);
    try {
      await mkdir(join(staging, name));
    } catch (error) {
      throw await orSuperseded(error, roots, root, epoch);
    }
  }
  return {
    writer: (part) => new EpochWriter(roots, part, epoch, name),
    async end() {
      for (const root of [roots.lake, roots.quarantine])
        await rm(join(stagingOf(root, epoch), name), { recursive: true, force: true });
    },
  };
}

export async function closeAttempts(roots: Roots, epoch: number, sequence: number): Promise<void> {
  for (const root of [roots.lake, roots.quarantine]) {
    const staging = stagingOf(root, epoch);
    await requireWithin(root, staging);
    for (const name of await namesIn(staging)) {
      const path = join(staging, name);
      if ((sequenceOfAttempt(name) ?? sequence + 1) <= sequence) await closeDirectory(path);
      else if ((sequenceOfTemporary(name) ?? sequence + 1) <= sequence) await rm(path, { force: true });
    }
  }
}
