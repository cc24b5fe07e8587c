/** A file that stands in the lake or the quarantine and is not what the ledger says: its rows do not count as landed. */
export interface DamagedFile {
  /** Absolute. */
  file: string;
  /** The batch in its name. */
  batch: number;
  /** Of a merged file the batches whose rows it may hold, as rising ranges. */
  batches?: [from: number, to: number][];
  /** What is wrong, as the end of a sentence that begins with the file. */
  problem: string;
  /** What the ledger says of it; absent where no readable entry lists it, so that no replay replaces it. */
  listed?: { bytes: number; sha256: string };
}

/** What a lake is known by, wherever it is moved. */
export interface LakeIdentity {
  /** Written at the lake's first opening. */
  id: string;
  /** Where it was opened: `host:/path`. */
  at: string;
}

/** A word of a shell that stands for this text, whatever it holds. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command that lands batches again: numbers, and ranges of them. */
export function replayCommand(
  batches: readonly (number | readonly [number, number])[],
  options = '',
): string {
  const list = batches.map((one) => (typeof one === 'number' || one[0] === one[1] ? one : one.join('-')));
  return `npm run orders -- replay --batches ${list.join(',')}${options}`;
}

/** The command that takes a file out of the readers' sight without deleting it: see {@link asideName}. */
export function setAsideCommand(file: string): string {
  const slash = file.lastIndexOf('/') + 1;
  const move = file.startsWith('s3://') ? 'aws s3 mv' : 'mv';
  return `${move} ${shellWord(file)} ${shellWord(file.slice(0, slash) + asideName(file.slice(slash)))}`;
}

/** A name that readers skip: Spark and pyarrow for its beginning, a glob of DuckDB's for its end. */
export function asideName(name: string): string {
  return `_aside.${name}.bak`;
}

/** What is wrong with a file and what mends it, for status, doctor and audit alike. */
export function describeDamaged({
  file,
  batch,
  batches = [[batch, batch]],
  problem,
  listed,
}: DamagedFile): string {
  return (
    `${file} ${problem}. ` +
    (listed === undefined
      ? `Take it away: ${setAsideCommand(file)}`
      : batches.length === 1 && batches[0]?.[0] === batches[0]?.[1]
        ? `Land its batch again, which replaces it: ${replayCommand(batches)}`
        : `Land its batches again, which brings back their rows: ${replayCommand(batches)}`)
  );
}
