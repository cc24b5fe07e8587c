/** What a store answers, in words for people, with a code as the system's errors have one. */
import { NonRetryableError } from '../../../../domain/errors';
import { codeOf } from '../../../shared/error-code';

/** A request that failed, after the client's own attempts. */
export class S3Error extends Error {
  override readonly name = 'S3Error';

  constructor(
    message: string,
    /** The store's own, such as SlowDown, or the system's, such as ECONNRESET. */
    readonly code: string,
    readonly status: number | undefined,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}

interface Answer {
  name?: unknown;
  message?: unknown;
  $metadata?: { httpStatusCode?: number; attempts?: number };
}

/** @param what was tried with what: `get s3://bucket/name`. An error of ours comes back as it is. */
export function s3Error(what: string, error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  const { name, message, $metadata: { httpStatusCode: status, attempts = 1 } = {} } = error as Answer;
  // An answer without a body has the name UnknownError; a HEAD's never has one.
  const told = typeof name === 'string' && name !== 'UnknownError' && name !== 'Error' ? name : undefined;
  const code = codeOf(error) ?? told ?? (status === undefined ? 'UnknownError' : `HTTP ${status}`);
  const tries = attempts > 1 ? ` (${attempts} attempts)` : '';
  const text = typeof message === 'string' && message !== '' && message !== code ? `: ${message}` : '';
  return new S3Error(`${what} failed${tries}: ${code}${text}`, code, status, { cause: error });
}

/** Whether there is no object of that name. A missing bucket, or user, is something else, and has the same status. */
export function isAbsent(error: unknown): boolean {
  const { name } = error as Answer;
  return name === 'NoSuchKey' || name === 'NotFound';
}

/** The name is taken: `If-None-Match: *` was refused. */
export function isTaken(error: unknown): boolean {
  return (error as Answer).$metadata?.httpStatusCode === 412;
}

/** Another conditional write to the name is under way: ask again. */
export function isConflict(error: unknown): boolean {
  return (error as Answer).$metadata?.httpStatusCode === 409;
}

const CREDENTIALS =
  'give the workers credentials that may list the bucket and read, write and remove objects below the lake and its quarantine ' +
  "(AWS's default chain: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a role)";
const REGION = 'set datalake.s3.region (AWS_REGION) to that of the bucket';

/** What an administrator must change; anything else (a store that is away, slow or busy) may pass by itself. */
const NON_RETRYABLE: Record<string, string> = {
  NoSuchBucket: 'make that bucket, or choose another',
  CredentialsProviderError: CREDENTIALS,
  XAdminUserNotFound: CREDENTIALS, // versitygw's
  AuthorizationHeaderMalformed: REGION,
  PermanentRedirect: REGION,
  IllegalLocationConstraintException: REGION,
  InvalidBucketName: 'choose a name for the bucket that the store takes',
  NotImplemented: 'choose a store that knows conditional writes (If-None-Match), such as AWS S3',
};

/** NonRetryableError LakeNotWritable where only an administrator can mend it; else the error as it is. */
export function notWritable(location: string, error: unknown): unknown {
  const remedy = error instanceof S3Error ? remedyFor(error) : undefined;
  return remedy === undefined ? error : lakeNotWritable(location, (error as Error).message, remedy, error);
}

/** Stores have words of their own for a 403. A clock that is wrong may be set right. */
function remedyFor({ code, status }: S3Error): string | undefined {
  return NON_RETRYABLE[code] ?? (status === 403 && code !== 'RequestTimeTooSkewed' ? CREDENTIALS : undefined);
}

export function lakeNotWritable(
  location: string,
  problem: string,
  remedy: string,
  cause?: unknown,
): NonRetryableError {
  return new NonRetryableError(
    'LakeNotWritable',
    `The lake ${location} cannot be written: ${problem}. To do: ${remedy}, or set datalake.path.`,
    { cause },
  );
}
