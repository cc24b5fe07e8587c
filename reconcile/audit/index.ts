/** Proves a lake by itself: ledger and files, without Temporal, Kafka or PostgreSQL. */
import { basename } from 'node:path/posix';
import type { LakeFile, LakeStorage, Storage } from '../../ports';
import {
  withScratchDuckDB,
  LEDGER_DIRECTORY,
  type Batch,
  walkLedger,
  dateDirectories,
} from '../../adapters/lake/reading';
import { checkListed, unlisted, type Listed } from './file-check';
import { checkDoubled } from './doubled';
import { Findings, type Finding } from './findings';
import { LedgerCheck } from './ledger-check';
import { OrphanCheck } from './orphan-files';

export type { Finding } from './findings';

export interface AuditResult {
  lake: string;
  clean: boolean;
  ledger: {
    entries: number;
    batches: number;
    replays: number;
    firstCommittedAt?: string;
    lastCommittedAt?: string;
  };
  files: { lake: number; quarantine: number; bytes: number };
  rows: { read: number; landed: number; duplicate: number; quarantined: number };
  /** Batches whose offsets are not in the lake. */
  parked: number[];
  /** What the ledger covers, `to` exclusive. */
  offsets: { partition: number; from: string; to: string }[];
  /** created_at of the oldest and the newest row of the lake; absent in an empty one. */
  period?: { from: string; to: string };
  /** All problems; `problems` holds the first 1,000 of them. */
  problemCount: number;
  problems: Finding[];
  /** What is normal while a landing runs. */
  notes: Finding[];
}

export interface AuditProgress {
  entries: number;
  files: number;
  /** 0 while the entries are read. */
  filesInAll: number;
}

/** There is nothing to audit. */
export class NoLake extends Error {}

/**
 * Walks the whole ledger and reads every file that it lists. Changes nothing; may run beside a landing, whose batch in
 * work is a note. Memory: about 1 KB a batch, 4 files' buffers, and DuckDB's limit for the orders of a date.
 *
 * @throws NoLake where there is no ledger; the system's error where something cannot be read
 */
export async function auditLake(
  { lake, quarantine }: LakeStorage,
  onProgress: (progress: AuditProgress) => void = () => undefined,
): Promise<AuditResult> {
  await requireLedger(lake);
  const findings = new Findings();
  const ledger = new LedgerCheck(findings);
  const progress = { entries: 0, files: 0, filesInAll: 0 };
  for await (const step of walkLedger(lake)) {
    ledger.add(step);
    progress.entries += 1;
    onProgress(progress);
  }
  const batches = [...ledger.batches.values()];
  progress.filesInAll = batches.reduce(
    (sum, { files, quarantineFiles }) => sum + files.length + quarantineFiles.length,
    0,
  );

  const orphans = new OrphanCheck(lake, ledger.lastSequence, ledger.unproved, findings);
  await orphans.checkLedger();
  await withScratchDuckDB(async (duckdb) => {
    for (const [storage, filesOf] of [
      [lake, ({ files }: Batch) => files],
      [quarantine, ({ quarantineFiles }: Batch) => quarantineFiles],
    ] as const) {
      const name = basename(storage.location);
      const shown = storage === lake ? '' : `${name}/`;
      await orphans.checkRoot(storage, shown === '' ? '.' : name);
      const listed = byDirectory(batches, filesOf);
      for (const date of new Set([...listed.keys(), ...(await dateDirectories(storage))].sort())) {
        const files = listed.get(date) ?? [];
        const others = await unlisted(storage, date, new Set(files.map((file) => basename(file.path))));
        await orphans.check({ storage, directory: date }, `${shown}${date}`, others);
        const sound = await checkListed(storage, files, {
          findings,
          shown: (file) => `${shown}${file}`,
          onFile: () => {
            progress.files += 1;
            onProgress(progress);
          },
        });
        const isLake = storage === lake;
        await checkDoubled(
          duckdb,
          storage,
          { files: sound, where: `${shown}${date}`, moves: isLake },
          findings,
        );
      }
    }
  });
  return result(lake.location, ledger, findings);
}

async function requireLedger(lake: Storage): Promise<void> {
  const found = await lake.head(LEDGER_DIRECTORY).catch(() => undefined);
  if (found?.isFile === false) return;
  throw new NoLake(
    `${lake.location} holds no lake: there is no directory ${LEDGER_DIRECTORY} in it. Name the lake with --lake PATH, or set LAKE_PATH.`,
  );
}

/** By `date=…` directory. A batch has one file a directory, so a path is there once. */
function byDirectory(
  batches: readonly Batch[],
  filesOf: (batch: Batch) => readonly LakeFile[],
): Map<string, Listed[]> {
  const directories = new Map<string, Listed[]>();
  for (const batch of batches) {
    for (const file of filesOf(batch)) {
      const directory = file.path.slice(0, file.path.lastIndexOf('/'));
      const listed = { ...file, entry: batch.entry, batch: batch.sequence };
      const list = directories.get(directory);
      if (list === undefined) directories.set(directory, [listed]);
      else list.push(listed);
    }
  }
  return directories;
}

function result(lake: string, ledger: LedgerCheck, findings: Findings): AuditResult {
  const batches = [...ledger.batches.values()];
  const count = (of: (batch: Batch) => number) => batches.reduce((sum, batch) => sum + of(batch), 0);
  const size = (files: readonly LakeFile[]) => files.reduce((sum, { bytes }) => sum + bytes, 0);
  const { last, begins } = ledger;
  let [from, to] = ['', ''];
  for (const { files } of batches) {
    for (const { first, last: end } of files) {
      if (first !== undefined && (from === '' || first.createdAt < from)) from = first.createdAt;
      if (end !== undefined && end.createdAt > to) to = end.createdAt;
    }
  }
  return {
    lake,
    clean: findings.problemCount === 0,
    ledger: {
      entries: ledger.entries,
      batches: batches.length,
      replays: ledger.replays,
      firstCommittedAt: ledger.firstCommittedAt,
      lastCommittedAt: last?.committedAt,
    },
    files: {
      lake: count(({ files }) => files.length),
      quarantine: count(({ quarantineFiles }) => quarantineFiles.length),
      bytes: count(({ files, quarantineFiles }) => size(files) + size(quarantineFiles)),
    },
    rows: {
      read: count(({ counts }) => counts.read),
      landed: count(({ counts }) => counts.landed),
      duplicate: count(({ counts }) => counts.duplicate),
      quarantined: count(({ counts }) => counts.quarantined),
    },
    parked: ledger.parked,
    offsets: Object.entries(last?.next ?? {}).map(([partition, end]) => ({
      partition: Number(partition),
      from: begins[partition] ?? end,
      to: end,
    })),
    period: from === '' ? undefined : { from, to },
    problemCount: findings.problemCount,
    problems: findings.problems,
    notes: findings.notes,
  };
}
