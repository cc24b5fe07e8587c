import { createOrdersTopic, topicOptions } from '../../adapters/kafka';
import { lastEntry, openStorage, shortened, stillDamaged } from '../../adapters/lake/reading';
import { tryStateDirectory } from '../../adapters/state-file';
import type { Settings } from '../../configs/schema';
import { describeDamaged } from '../../domain/damaged';
import { count } from '../../domain/describe-status';
import type { Offsets } from '../../domain/ranges';
import type { LakeStorage } from '../../ports';
import { Findings, type Finding } from './finding';
import { COMMAND_TELEMETRY } from '../telemetry';

const GIB = 2 ** 30;
const LITTLE = 5 * GIB;
/** A batch needs some hundred megabytes at most. */
const TOO_LITTLE = 0.25 * GIB;

/** Of this machine's view: where landing runs elsewhere this says nothing. */
export async function examineLake({ datalake, streaming, kafka }: Settings): Promise<Finding[]> {
  const findings = new Findings('lake');
  const storage = openStorage(datalake);
  const again = 'try again; if it goes on, look at the disk';
  for (const [about, kind] of [
    ['directory', 'lake'],
    ['quarantine', 'quarantine'],
  ] as const) {
    const found = await findings.look(about, again, () => storage.tryOut(kind));
    if (found !== undefined) findings.fine(about, `${storage[kind].locate('')}: ${found}`);
  }
  await findings.look('disk', again, () => examineRoom(findings, storage));
  await findings.look('ledger', again, async () => {
    const last = await lastEntry(storage.lake);
    for (const one of await stillDamaged(storage, last?.damaged ?? []))
      findings.warning('files', describeDamaged(one), 'what the message says');
    const parked = last?.unlanded?.length ?? 0;
    const why = await shortened(storage, last, await landedOffsets(kafka));
    if (why !== undefined) findings.broken('ledger', why, 'what the message says');
    else if (last === undefined) findings.fine('ledger', 'empty: nothing has landed yet');
    else if (parked > 0)
      findings.warning(
        'ledger',
        `${count(parked, 'failed batch', 'failed batches')}, newest entry ${last.sequence} of ${last.committedAt}`,
        'see why in status, mend it, then start replayBatches',
      );
    else findings.fine('ledger', `newest entry ${last.sequence} of ${last.committedAt}`);
  });
  const state = streaming.last_processed_timestamp_location;
  const found = await findings.look(
    'state directory',
    'give the workers’ user write access, or set STATE_PATH',
    () => tryStateDirectory(state),
  );
  if (found !== undefined) findings.fine('state directory', found);
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

async function examineRoom(findings: Findings, storage: LakeStorage): Promise<void> {
  const room = await storage.room();
  if (room === undefined) return;
  const { freeBytes, alike } = room;
  const words = `${(freeBytes / GIB).toFixed(1)} GiB free`;
  const toDo = 'make room: a full disk stops landing, and it goes on by itself afterwards';
  if (freeBytes < TOO_LITTLE) findings.transient('free space', words, toDo);
  else if (freeBytes < LITTLE) findings.warning('free space', words, toDo);
  else findings.fine('free space', words);
  if (!alike)
    findings.warning(
      'file systems',
      'lake and quarantine are on different kinds',
      'put both on one: what was tried of one need not hold for the other',
    );
}
