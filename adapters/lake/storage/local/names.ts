/** Names of the local storage's own: of staging directories, and of files that are being written. */
import { join } from 'node:path';
import { padSequence, STAGING_DIRECTORY } from '../names';

/** In lake and quarantine: the directory in which an epoch's files are written before they get their names. See epoch.ts. */
export function stagingOf(root: string, epoch: number): string {
  return join(root, STAGING_DIRECTORY, padSequence(epoch));
}

/**
 * In an epoch's staging directory: that of one attempt at a ledger entry's files. Random, so that an attempt which is shut out by the removal of
 * its directory finds no other in its place.
 */
export function attemptName(sequence: number, unique: string): string {
  return `${padSequence(sequence)}.${unique}`;
}

/** The entry of an attempt's directory; `undefined` for any other name. */
export function sequenceOfAttempt(name: string): number | undefined {
  const match = /^(\d{10})\.[0-9a-f]{16}$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** The epoch of a staging directory's name; `undefined` for any other name. */
export function epochOf(name: string): number | undefined {
  return /^\d{10}$/.test(name) ? Number(name) : undefined;
}

/**
 * A name for a file that is being written. It starts with a dot, so Spark and pyarrow skip it, and does not end in
 * `.parquet`, so a glob of DuckDB's skips it too.
 */
export function temporaryName(name: string, unique: string): string {
  return `.${name}.${unique}.tmp`;
}

const TEMPORARY =
  /^(?:\.(?:part-\d{10}-[0-9a-f]{12}\.parquet|\d{10}(?:-\d{10})?\.json(?:\.gz)?|_probe_\w+)\.[0-9a-f]{16}\.tmp|_probe_\w+)$/;

const TEMPORARY_PART = /^\.part-(\d{10})-[0-9a-f]{12}\.parquet\.[0-9a-f]{16}\.tmp$/;

/** The batch of a part file that is being written as versions before 0.4.0 did, beside others; `undefined` for any other name. */
export function sequenceOfTemporary(name: string): number | undefined {
  const match = TEMPORARY_PART.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Whether the name is one of {@link temporaryName} or of a probe; other programs' hidden files are not ours to remove. */
export function isTemporary(name: string): boolean {
  return TEMPORARY.test(name);
}
