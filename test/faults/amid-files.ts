import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../domain/names';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { insertOverDays } from '../../dev/orders/insert-orders';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { signal, type Harness } from './harness';

const DAYS = 60;

/**
 * Freezes the landing when all files of a batch but one are there and its ledger entry is not; returns those files.
 * A file in the way of one date's directory keeps the batch there, so the moment cannot be missed on a busy machine.
 * Orders are of the year `year`, which must be after all earlier ones.
 */
export async function freezeAmidFiles(harness: Harness, year: number): Promise<string[]> {
  const { lakePath, pool } = harness.pipeline;
  const obstacle = join(lakePath, `date=${year}-02-01`);
  const landing = harness.client.workflow.getHandle(WORKFLOWS.landOrders.id);
  while ((await landing.query<LandStatus>('status')).phase !== 'claiming') await sleep(50);
  writeFileSync(obstacle, '');
  const before = new Set(partFiles(lakePath));
  const entries = ledgerEntries(lakePath);
  const newFiles = () => partFiles(lakePath).filter((path) => !before.has(path));
  await insertOverDays(pool, { from: `${year}-01-01`, days: DAYS, perDay: 20 });
  while (newFiles().length < DAYS - 1) await sleep(20);
  signal(harness.workers, 'land', 'SIGSTOP');
  expect(ledgerEntries(lakePath)).toBe(entries);
  rmSync(obstacle);
  return newFiles();
}

/** So many files of one batch take long enough to be caught at it. */
const MANY_DAYS = 300;

/**
 * Freezes the landing while it writes the files of a batch: some are half written or wait for their names, and it goes on
 * with them when it wakes up. Tries again, a year later, where it was quicker. Orders are of the years from `year` on.
 */
export async function freezeWhileWriting(harness: Harness, year: number): Promise<void> {
  const { lakePath, pool } = harness.pipeline;
  const staged = () =>
    namesBelow(join(lakePath, '_staging')).filter((name) => name.includes('/.part-')).length;
  for (;;) {
    const all = partFiles(lakePath).length + MANY_DAYS;
    await insertOverDays(pool, { from: `${year++}-01-01`, days: MANY_DAYS, perDay: 1 });
    for (let look = 1; staged() === 0; look++) {
      if (look % 100 === 0 && partFiles(lakePath).length >= all) break;
      await sleep(1);
    }
    signal(harness.workers, 'land', 'SIGSTOP');
    if (staged() > 0) return;
    signal(harness.workers, 'land', 'SIGCONT');
    await secondsToCatchUp(harness.pipeline);
  }
}

/** Publishes one more order, so that a batch claimed from now on has other offsets, and so other file names. */
export async function publishOneMore({ pipeline, client }: Harness, day: string): Promise<void> {
  const handle = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
  const rows = async () => (await handle.query<CaptureStatus>('status')).rows;
  const before = await rows();
  await insertOverDays(pipeline.pool, { from: day, days: 1, perDay: 1 });
  while ((await rows()) === before) await sleep(50);
}

export function partFiles(lakePath: string): string[] {
  return namesBelow(lakePath).filter((path) => path.endsWith('.parquet'));
}

function namesBelow(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory, { recursive: true, encoding: 'utf8' }) : [];
}

function ledgerEntries(lakePath: string): number {
  const directory = join(lakePath, '_ledger');
  return existsSync(directory) ? readdirSync(directory).filter((name) => /^\d+\.json$/.test(name)).length : 0;
}
