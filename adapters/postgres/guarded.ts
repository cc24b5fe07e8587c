import type { Settings } from '../../configs/schema';
import type { Queries } from './check';
import { translateErrors } from './errors';
import { quoteTable } from './sql';
import { namingLocks } from './table-lock';

/** Runs `work` on the table; its errors leave as {@link translateErrors} and {@link namingLocks} have them. */
export function guarded<T>(
  pool: Queries,
  settings: Settings['postgres'],
  work: () => Promise<T>,
): Promise<T> {
  return translateErrors(settings, () => namingLocks(pool, quoteTable(settings.table), work));
}
