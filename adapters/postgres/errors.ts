import { isNativeError } from 'node:util/types';
import { DatabaseError } from 'pg';
import { LastingFailure, type LastingFailureType } from '../../model/errors';

/**
 * SQLSTATEs that no retry mends, and what to do. Everything else (refused connections, shutdowns, deadlocks,
 * codes nobody thought of) is an outage. https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const LASTING: Record<string, { type: LastingFailureType; remedy: string }> = {
  '28000': { type: 'InvalidSettings', remedy: 'Check postgres.user and pg_hba.conf.' },
  '28P01': { type: 'InvalidSettings', remedy: 'Check postgres.user and postgres.password.' },
  '3D000': { type: 'InvalidSettings', remedy: 'Check postgres.db.' },
  '42501': { type: 'InsufficientPrivilege', remedy: 'GRANT the right that the message names.' },
  '42P01': { type: 'SchemaMismatch', remedy: 'Check postgres.table.' },
  '42703': { type: 'SchemaMismatch', remedy: 'The table has lost a column since the pipeline started.' },
};

/** Runs `work`; an error leaves as a LastingFailure or as an outage that names the server. */
export async function translateErrors<T>(
  where: string,
  settings: { user: string },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LastingFailure || !isNativeError(error)) throw error;
    const lasting =
      error instanceof DatabaseError && error.code !== undefined ? LASTING[error.code] : undefined;
    const message = `PostgreSQL ${where} as "${settings.user}": ${describe(error)}`;
    if (lasting !== undefined)
      throw new LastingFailure(lasting.type, `${message}. ${lasting.remedy}`, { cause: error });
    throw new Error(message, { cause: error });
  }
}

/** Node wraps several refused addresses into an AggregateError without a message. */
function describe(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((inner: Error) => inner.message).join('; ')
    : error.message;
}
