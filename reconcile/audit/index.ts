/** Proves a lake by itself: ledger and files, without Temporal, Kafka or PostgreSQL. */
import { basename } from 'node:path/posix';
import type { LakePart, LakeStorage, LedgerEntry, LiveFile, Storage } from '../../ports';
import {
  checkpointsIn,
  withScratchDuckDB,
  LEDGER_DIRECTORY,
  walkLedger,
  dateDirectories,
} from '../../adapters/lake/reading';
import { checkListed, unlisted } from './file-check';
import { checkDoubled } from './doubled';
import { Findings, type Finding } from './findings';
import { checkCheckpoint } from './checkpoint-check';
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
    merges: number;
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
  const checkpoints = new Set(await checkpointsIn(lake));
  for await (const step of walkLedger(lake)) {
    ledger.add(step);
    if (checkpoints.has(step.sequence)) await checkCheckpoint(lake, ledger, step, findings);
    progress.entries += 1;
    onProgress(progress);
  }
  const files = (part: LakePart) => [...ledger.state[part].values()].flatMap((date) => [...date.values()]);
  progress.filesInAll = files('lake').length + files('quarantine').length;

  const orphans = new OrphanCheck(lake, ledger, findings);
  await orphans.checkLedger();
  await withScratchDuckDB(async (duckdb) => {
    for (const [storage, dates] of [
      [lake, ledger.state.lake],
      [quarantine, ledger.state.quarantine],
    ] as const) {
      const name = basename(storage.location);
      const shown = storage === lake ? '' : `${name}/`;
      await orphans.checkRoot(storage, shown === '' ? '.' : name);
      for (const date of new Set([...dates.keys(), ...(await dateDirectories(storage))].sort())) {
        const files = [...(dates.get(date)?.values() ?? [])];
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

function result(lake: string, ledger: LedgerCheck, findings: Findings): AuditResult {
  const batches = [...ledger.batches.values()];
  const count = (of: (counts: LedgerEntry['counts']) => number) =>
    batches.reduce((sum, { counts }) => sum + of(counts), 0);
  const files = (part: LakePart): LiveFile[] =>
    [...ledger.state[part].values()].flatMap((date) => [...date.values()]);
  const size = (list: readonly LiveFile[]) => list.reduce((sum, { bytes }) => sum + bytes, 0);
  const [lakeFiles, quarantineFiles] = [files('lake'), files('quarantine')];
  const { last, begins } = ledger;
  let [from, to] = ['', ''];
  for (const { first, last: end } of lakeFiles) {
    if (first !== undefined && (from === '' || first.createdAt < from)) from = first.createdAt;
    if (end !== undefined && end.createdAt > to) to = end.createdAt;
  }
  return {
    lake,
    clean: findings.problemCount === 0,
    ledger: {
      entries: ledger.entries,
      batches: batches.length,
      replays: ledger.replays,
      merges: ledger.merges,
      firstCommittedAt: ledger.firstCommittedAt,
      lastCommittedAt: last?.committedAt,
    },
    files: {
      lake: lakeFiles.length,
      quarantine: quarantineFiles.length,
      bytes: size(lakeFiles) + size(quarantineFiles),
    },
    rows: {
      read: count(({ read }) => read),
      landed: count(({ landed }) => landed),
      duplicate: count(({ duplicate }) => duplicate),
      quarantined: count(({ quarantined }) => quarantined),
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
