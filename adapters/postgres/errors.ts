import { isNativeError } from 'node:util/types';
import { DatabaseError } from 'pg';
import { LastingFailure, type LastingFailureType } from '../../model/errors';
import { namesIn, tlsProblem } from '../tls-problem';

interface Lasting {
  type: LastingFailureType;
  remedy: string;
}

/**
 * SQLSTATEs that no retry mends, and what to do. Everything else (refused connections, shutdowns, deadlocks,
 * codes nobody thought of) is an outage. https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const LASTING: Record<string, Lasting> = {
  '28000': { type: 'InvalidSettings', remedy: 'Check postgres.user, postgres.ssl and pg_hba.conf.' },
  '28P01': { type: 'InvalidSettings', remedy: 'Check postgres.user and postgres.password.' },
  '3D000': { type: 'InvalidSettings', remedy: 'Check postgres.db.' },
  '42501': { type: 'InsufficientPrivilege', remedy: 'GRANT the right that the message names.' },
  '42P01': { type: 'SchemaMismatch', remedy: 'Check postgres.table.' },
  '42703': { type: 'SchemaMismatch', remedy: 'The table has lost a column since the pipeline started.' },
};

/** What the client itself refuses, by its words; it has no codes for them. */
const REFUSED_BY_CLIENT: [RegExp, Lasting][] = [
  [
    /does not support SSL/,
    { type: 'InvalidSettings', remedy: 'Set postgres.ssl to false, or switch ssl on in the server.' },
  ],
  [/client password must be/, { type: 'InvalidSettings', remedy: 'Set postgres.password.' }],
];

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
    const message = `PostgreSQL ${where} as "${settings.user}": ${describe(error)}`;
    const lasting = lastingOf(error);
    if (lasting !== undefined)
      throw new LastingFailure(lasting.type, `${message}. ${lasting.remedy}`, { cause: error });
    const tls = tlsProblem(error, namesIn('postgres'));
    if (tls?.lasting === true)
      throw new LastingFailure('InvalidSettings', `${message}: ${tls.advice}`, { cause: error });
    throw new Error(tls === undefined ? message : `${message}: ${tls.advice}`, { cause: error });
  }
}

function lastingOf(error: Error): Lasting | undefined {
  if (error instanceof DatabaseError) return error.code === undefined ? undefined : LASTING[error.code];
  return REFUSED_BY_CLIENT.find(([words]) => words.test(error.message))?.[1];
}

/** Node wraps several refused addresses into an AggregateError without a message. */
function describe(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((inner: Error) => inner.message).join('; ')
    : error.message;
}
