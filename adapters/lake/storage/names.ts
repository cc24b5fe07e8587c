/** Names that storages and the lake share. */

/** Part of the lake that holds its ledger; readers skip a name that begins with `_`. */
export const LEDGER_DIRECTORY = '_ledger';

/** Zero-padded, so that names sort as numbers do; 10 digits are a batch a second for 300 years. */
export function padSequence(sequence: number): string {
  return String(sequence).padStart(10, '0');
}

/** A name from a ledger that somebody has edited must not lead out of the lake. The empty one is the storage itself. */
export function requireName(name: string, location: string, { empty = false } = {}): void {
  const odd = name.split('/').some((part) => ['', '.', '..'].includes(part));
  if (name === '' ? !empty : odd || name.includes('\0'))
    throw new Error(`${JSON.stringify(name)} is no name of a file below ${location}`);
}

/** Records and directories of the epochs. */
export const STAGING_DIRECTORY = '_staging';

/** The record of who took an epoch. */
export function epochName(epoch: number): string {
  return `${padSequence(epoch)}.json`;
}

/** The last that a name holds: what comes after it would be no name of an epoch, and be looked for for ever. */
export const LAST_EPOCH = 9_999_999_999;

/** The epoch in a record's name; `undefined` for any other name. */
export function epochOfRecord(name: string): number | undefined {
  const match = /^(\d{10})\.json$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Ledger entries, records and identities are read whole, and nothing else; an entry with the most files has less than a tenth of this. */
export const LARGEST_READ = 16 * 1024 * 1024;
