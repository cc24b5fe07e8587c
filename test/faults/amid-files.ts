import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../model/names';
import type { CaptureStatus, LandStatus } from '../../model/status';
import { insertOverDays } from '../../torture/orders';
import { signal, type Rig } from './rig';

const DAYS = 60;

/**
 * Freezes the landing when all files of a batch but one are there and its ledger entry is not; returns those files.
 * A file in the way of one date's folder keeps the batch there, so the moment cannot be missed on a busy machine.
 * Orders are of the year `year`, which must be after all earlier ones.
 */
export async function freezeAmidFiles(rig: Rig, year: number): Promise<string[]> {
  const { lakePath, pool } = rig.pipeline;
  const obstacle = join(lakePath, `date=${year}-02-01`);
  const landing = rig.client.workflow.getHandle(WORKFLOWS.landOrders.id);
  while ((await landing.query<LandStatus>('status')).phase !== 'claiming') await sleep(50);
  writeFileSync(obstacle, '');
  const before = new Set(partFiles(lakePath));
  const entries = ledgerEntries(lakePath);
  const newFiles = () => partFiles(lakePath).filter((path) => !before.has(path));
  await insertOverDays(pool, { from: `${year}-01-01`, days: DAYS, perDay: 20 });
  while (newFiles().length < DAYS - 1) await sleep(20);
  signal(rig.workers, 'land', 'SIGSTOP');
  expect(ledgerEntries(lakePath)).toBe(entries);
  rmSync(obstacle);
  return newFiles();
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
