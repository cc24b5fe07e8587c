/** What `maintainLake` tells of itself. */
import type { Described } from './describe-status';
import type { Pause, Refusal } from './requests';

/** Answer of the query `status` of `maintainLake`. Sums are of all runs. */
export interface MaintainStatus {
  workflow: 'maintainLake';
  phase: 'waiting' | 'committing' | 'paused';
  paused: Pause | null;
  /** What an operator asked for that is not done yet; `dates` null for all. */
  asked: { dates: string[] | null; reason: string | null; at: string } | null;
  merges: number;
  /** Merges that something else came before: they changed nothing. */
  refused: number;
  files: { before: number; after: number };
  bytes: { before: number; after: number };
  last: { date: string; part: 'lake' | 'quarantine'; files: number; rows: number; at: string } | null;
  /** The ledger entry of the newest checkpoint; 0 for none. */
  checkpoint: number;
  /** When it was asked for last, in milliseconds since 1970. */
  checkpointedAt: number;
  problem: string | null;
  refusals: Refusal[];
  runs: number;
  historyEvents: number;
}

export function noMaintenance(): Omit<MaintainStatus, 'workflow' | 'phase' | 'historyEvents'> {
  return {
    paused: null,
    asked: null,
    merges: 0,
    refused: 0,
    files: { before: 0, after: 0 },
    bytes: { before: 0, after: 0 },
    last: null,
    checkpoint: 0,
    checkpointedAt: 0,
    problem: null,
    refusals: [],
    runs: 1,
  };
}

/** A few lines, for people. */
export function describeMaintenance(status: MaintainStatus): Described {
  const { phase, paused, merges, files, bytes, last, checkpoint, problem } = status;
  const why = paused?.reason ? `, because: ${paused.reason}` : '';
  const facts = [
    `${phase}${why}`,
    `${merges} merges: ${files.before} files of ${bytes.before} bytes became ${files.after} of ${bytes.after}`,
    `newest checkpoint of the ledger: entry ${checkpoint}`,
  ];
  if (last !== null)
    facts.push(`last: ${last.files} files of ${last.part} ${last.date}, ${last.rows} rows, at ${last.at}`);
  return { trouble: problem === null ? [] : [problem], facts };
}
