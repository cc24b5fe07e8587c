import { access, constants, rmdir, stat, statfs } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { foldersOf, shortened } from '../../adapters/lake/reading';
import { createOrdersLake, probeFolder } from '../../adapters/lake';
import type { Settings } from '../../configs/schema';
import { describeDamaged } from '../../domain/damaged';
import { count } from '../../domain/describe-status';
import type { Offsets } from '../../domain/ranges';
import { Findings, type Finding } from './finding';
import { COMMAND_TELEMETRY } from '../telemetry';

const GIB = 2 ** 30;
const LITTLE = 5 * GIB;
/** A batch needs some hundred megabytes at most. */
const TOO_LITTLE = 0.25 * GIB;

/** Skipped by readers. A folder of the doctor's own, so that a landing that probes at this moment is not disturbed. */
const PROBE = '_doctor';

/** Of this machine's file system: where landing runs elsewhere this says nothing. */
export async function examineLake({ datalake, streaming, kafka }: Settings): Promise<Finding[]> {
  const findings = new Findings('lake');
  const { lake, quarantine } = foldersOf(datalake.path);
  const again = 'try again; if it goes on, look at the disk';
  for (const [about, folder] of [
    ['folder', lake],
    ['quarantine', quarantine],
  ] as const) {
    const found = await findings.look(about, again, () => tryFolder(folder));
    if (found !== undefined) findings.fine(about, `${resolve(folder)}: ${found}`);
  }
  await findings.look('disk', again, () => examineDisk(findings, lake, quarantine));
  await findings.look('ledger', again, async () => {
    const orders = createOrdersLake(datalake, COMMAND_TELEMETRY);
    const last = await orders.lastEntry();
    for (const one of await orders.stillDamaged(last?.damaged ?? []))
      findings.warning('files', describeDamaged(one), 'what the message says');
    const parked = last?.unlanded?.length ?? 0;
    const why = await shortened(foldersOf(datalake.path), last, await landedOffsets(kafka));
    if (why !== undefined) findings.broken('ledger', why, 'what the message says');
    else if (last === undefined) findings.fine('ledger', 'empty: nothing has landed yet');
    else if (parked > 0)
      findings.warning(
        'ledger',
        `${count(parked, 'batch', 'batches')} parked, newest entry ${last.sequence} of ${last.committedAt}`,
        'see why in status, mend it, then start replayBatches',
      );
    else findings.fine('ledger', `newest entry ${last.sequence} of ${last.committedAt}`);
  });
  const state = streaming.last_processed_timestamp_location;
  const found = await findings.look(
    'state folder',
    'give the workers’ user write access, or set STATE_PATH',
    () => mayWrite(state),
  );
  if (found !== undefined) findings.fine('state folder', `${resolve(state)}: ${found}`);
  return findings.all;
}

/** What Kafka knows of it; the look at Kafka tells if it cannot be asked. */
async function landedOffsets(settings: Settings['kafka']): Promise<Offsets> {
  const topic = createOrdersTopic(topicOptions(settings, COMMAND_TELEMETRY));
  try {
    return await topic.groupOffsets();
  } catch {
    return {};
  } finally {
    await topic.close();
  }
}

/** Does what landing does, in a folder that is there; one that is not is not made, only the right to make it looked at. */
async function tryFolder(folder: string): Promise<string> {
  if ((await nearest(folder)) !== resolve(folder)) return mayWrite(folder);
  await probeFolder(join(folder, PROBE));
  await rmdir(join(folder, PROBE));
  return 'writable, with atomic renames and hard links';
}

async function mayWrite(folder: string): Promise<string> {
  const there = await nearest(folder);
  await access(there, constants.W_OK | constants.X_OK);
  return there === resolve(folder) ? 'writable' : `is not there yet and can be made in ${there}`;
}

async function examineDisk(findings: Findings, lake: string, quarantine: string): Promise<void> {
  const [one, other] = await Promise.all([nearest(lake), nearest(quarantine)]);
  const disk = await statfs(one);
  const free = disk.bavail * disk.bsize;
  const words = `${(free / GIB).toFixed(1)} GiB free`;
  const toDo = 'make room: a full disk stops landing, and it goes on by itself afterwards';
  if (free < TOO_LITTLE) findings.outage('free space', words, toDo);
  else if (free < LITTLE) findings.warning('free space', words, toDo);
  else findings.fine('free space', words);
  if (disk.type !== (await statfs(other)).type)
    findings.warning(
      'file systems',
      'lake and quarantine are on different kinds',
      'put both on one: what was tried of one need not hold for the other',
    );
}

/** The folder itself, or the first of those above it that exists. */
async function nearest(folder: string): Promise<string> {
  for (let path = resolve(folder); ; path = dirname(path)) {
    const there = await stat(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (there !== undefined || path === dirname(path)) return path;
  }
}
