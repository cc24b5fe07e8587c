/** Names that storages and the lake share. */

/** Part of the lake that holds its ledger; readers skip a name that begins with `_`. */
export const LEDGER_DIRECTORY = '_ledger';

/** Zero-padded, so that names sort as numbers do; 10 digits are a batch a second for 300 years. */
export function padSequence(sequence: number): string {
  return String(sequence).padStart(10, '0');
}
