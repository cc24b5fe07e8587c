import { isNativeError } from 'node:util/types';
import { DatabaseError, escapeIdentifier } from 'pg';
import { TableLocked } from '../../domain/hold';
import type { Settings } from '../../configs/schema';
import { NonRetryableError, type NonRetryableErrorType } from '../../domain/errors';
import { namesIn, tlsProblem } from '../shared/tls-problem';
import { serverOf } from './session';
import { quoteTable } from './sql';

type Where = Pick<Settings['postgres'], 'host' | 'port' | 'db' | 'user' | 'table'>;

interface NonRetryable {
  type: NonRetryableErrorType;
  /** What to do, with the statement to run. */
  remedy: (where: Where, message: string) => string;
}

const only = (words: string) => () => words;

/**
 * SQLSTATEs that no retry mends, and what to do. Everything else (refused connections, shutdowns, deadlocks,
 * codes nobody thought of) is transient. https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const NON_RETRYABLE: Record<string, NonRetryable> = {
  '28000': {
    type: 'InvalidSettings',
    remedy: ({ user }, message) =>
      message.includes('not permitted to log in')
        ? `Run: ALTER ROLE ${escapeIdentifier(user)} LOGIN;`
        : 'Check postgres.user, postgres.ssl and pg_hba.conf.',
  },
  '28P01': {
    type: 'InvalidSettings',
    // An expired password is refused with the same words as a wrong one.
    remedy: ({ user }) =>
      `Check postgres.user and postgres.password. If it has expired, run: ALTER ROLE ${escapeIdentifier(user)} VALID UNTIL 'infinity';`,
  },
  '3D000': { type: 'InvalidSettings', remedy: only('Check postgres.db.') },
  '42501': { type: 'InsufficientPrivilege', remedy: missingRight },
  '42P01': { type: 'SchemaMismatch', remedy: missingTable },
  '42703': {
    type: 'SchemaMismatch',
    remedy: only('The table has lost a column since the pipeline started.'),
  },
};

/** A table in a schema that the role may not use is not there for it. */
function missingTable({ user, table }: Where): string {
  const [schema] = table.includes('.') ? table.split('.') : ['public'];
  return `Check postgres.table. If the table is there, run: GRANT USAGE ON SCHEMA ${escapeIdentifier(schema!)} TO ${escapeIdentifier(user)};`;
}

function missingRight({ user, table, db }: Where, message: string): string {
  const role = escapeIdentifier(user);
  if (message.includes('row-level security')) return `Run: ALTER ROLE ${role} BYPASSRLS;`;
  const schema = /permission denied for schema (.+)/.exec(message)?.[1];
  if (schema !== undefined) return `Run: GRANT USAGE ON SCHEMA ${escapeIdentifier(schema)} TO ${role};`;
  if (message.includes('permission denied for database'))
    return `Run: GRANT CONNECT ON DATABASE ${escapeIdentifier(db)} TO ${role};`;
  return `Run: GRANT SELECT ON ${quoteTable(table)} TO ${role};`;
}

/** Transient errors that somebody has to end, and how. */
function hintFor({ user, db }: Where, error: Error): string {
  if (!(error instanceof DatabaseError) || error.code !== '53300') return '';
  const { message } = error;
  if (message.includes('for role')) return `. Run: ALTER ROLE ${escapeIdentifier(user)} CONNECTION LIMIT -1;`;
  if (message.includes('for database'))
    return `. Run: ALTER DATABASE ${escapeIdentifier(db)} CONNECTION LIMIT -1;`;
  return '. End sessions that are not needed, or raise max_connections';
}

/** What the client itself refuses, by its words; it has no codes for them. */
const REFUSED_BY_CLIENT: [RegExp, NonRetryable][] = [
  [
    /does not support SSL/,
    { type: 'InvalidSettings', remedy: only('Set postgres.ssl to false, or switch ssl on in the server.') },
  ],
  [/client password must be/, { type: 'InvalidSettings', remedy: only('Set postgres.password.') }],
];

/** Runs `work`; an error leaves as a NonRetryableError or as a transient error that names the server. */
export async function translateErrors<T>(settings: Where, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof NonRetryableError || !isNativeError(error)) throw error;
    throw translated(settings, withoutValue(error));
  }
}

function translated(settings: Where, cause: Error): Error {
  const message = `PostgreSQL ${serverOf(settings)} as "${settings.user}": ${describe(cause)}`;
  if (cause instanceof TableLocked) return new TableLocked(message, cause.hold, { cause });
  const nonRetryable = nonRetryableOf(cause);
  if (nonRetryable !== undefined)
    return new NonRetryableError(
      nonRetryable.type,
      `${message}. ${nonRetryable.remedy(settings, cause.message)}`,
      { cause },
    );
  const tls = tlsProblem(cause, namesIn('postgres'));
  if (tls?.nonRetryable === true)
    return new NonRetryableError('InvalidSettings', `${message}: ${tls.advice}`, { cause });
  const hint = tls === undefined ? hintFor(settings, cause) : `: ${tls.advice}`;
  return new Error(`${message}${hint}`, { cause });
}

/** Of a class-22 error, about a value: PostgreSQL quotes it, and causes and stacks go to logs and history, too. */
function withoutValue(error: Error): Error {
  if (!(error instanceof DatabaseError) || error.code?.startsWith('22') !== true) return error;
  // In any language: from the first quotation mark to the last, and bytes.
  const message = error.message
    .replace(/["'«»„“”‹›「」][^]*["'«»„“”‹›「」]/, '(a value)')
    .replaceAll(/0x[0-9a-f]{2}/gi, '0x…');
  return Object.assign(new Error(message), { code: error.code });
}

function nonRetryableOf(error: Error): NonRetryable | undefined {
  if (error instanceof DatabaseError) return error.code === undefined ? undefined : NON_RETRYABLE[error.code];
  return REFUSED_BY_CLIENT.find(([words]) => words.test(error.message))?.[1];
}

/** Node wraps several refused addresses into an AggregateError without a message. */
function describe(error: Error): string {
  return error instanceof AggregateError
    ? error.errors.map((inner: Error) => inner.message).join('; ')
    : error.message;
}
