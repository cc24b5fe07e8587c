import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../model/names';
import type { CaptureStatus } from '../../model/status';
import { insertOverDays } from '../../torture/orders';
import { secondsToCatchUp } from '../../torture/recovery';
import { signal, type Rig } from './rig';

/** So many dates that a batch's files take a while to write. */
const DAYS = 200;
/** On a busy machine the moment may pass unseen. */
const TRIES = 5;

/**
 * Freezes the landing when some files of a batch are there and its ledger entry is not; returns those files.
 * Orders are of the years from `year` on, which must be after all earlier ones.
 */
export async function freezeAmidFiles(rig: Rig, year: number): Promise<string[]> {
  const { lakePath, pool } = rig.pipeline;
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const before = new Set(partFiles(lakePath));
    const entries = ledgerEntries(lakePath);
    const newFiles = () => partFiles(lakePath).filter((path) => !before.has(path));
    await insertOverDays(pool, { from: `${year + attempt}-01-01`, days: DAYS, perDay: 3 });
    while (newFiles().length === 0) await sleep(1);
    signal(rig.workers, 'land', 'SIGSTOP');
    const there = newFiles();
    if (there.length < DAYS && ledgerEntries(lakePath) === entries) return there;
    signal(rig.workers, 'land', 'SIGCONT');
    await secondsToCatchUp(rig.pipeline);
  }
  throw new Error(`the landing was never caught among its files, in ${TRIES} batches`);
}

/** Publishes one more order, so that a batch claimed from now on has other offsets, and so other file names. */
export async function publishOneMore({ pipeline, client }: Rig, day: string): Promise<void> {
  const handle = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  const rows = async () => (await handle.query<CaptureStatus>('status')).rows;
  const before = await rows();
  await insertOverDays(pipeline.pool, { from: day, days: 1, perDay: 1 });
  while ((await rows()) === before) await sleep(50);
}

export function partFiles(lakePath: string): string[] {
  if (!existsSync(lakePath)) return [];
  return readdirSync(lakePath, { recursive: true, encoding: 'utf8' }).filter((path) =>
    path.endsWith('.parquet'),
  );
}

function ledgerEntries(lakePath: string): number {
  const folder = join(lakePath, '_ledger');
  return existsSync(folder) ? readdirSync(folder).filter((name) => /^\d+\.json$/.test(name)).length : 0;
}
