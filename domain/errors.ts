/**
 * The closed list of non-retryable errors: what a retry can never mend. Each becomes an
 * `ApplicationFailure.nonRetryable` with this word as its type, at the edge of an activity.
 * Everything else, known or not, is transient and is retried until it works.
 */
export type NonRetryableErrorType =
  /** The settings file or the workflow input is wrong. */
  | 'InvalidSettings'
  /** A role lacks a right that the pipeline needs. */
  | 'InsufficientPrivilege'
  /** The orders table lacks a column or has one of another type. */
  | 'SchemaMismatch'
  /** The topic exists with too few partitions, or with settings that keep messages out. */
  | 'TopicMismatch'
  /** A second capture runs on this pipeline. */
  | 'CaptureConflict'
  /** A second landing runs on this lake. */
  | 'LandingConflict'
  /** Offsets that were to be landed no longer exist in Kafka. */
  | 'DataLoss'
  /** A micro-batch cannot be read, validated or written as it is: it fails. */
  | 'BatchNotLandable'
  /** A micro-batch has rows of more dates than one result can name; it is landed in parts. */
  | 'BatchTooWide'
  /** An activity was completed by hand with what none of ours returns. */
  | 'ForeignResult'
  /** The lake directory cannot be written. */
  | 'LakeNotWritable'
  /** The lake, or its ledger, is not the one that was landed in. */
  | 'LakeMismatch';

/** A failure that no retry mends. The message says what, where and what to do. */
export class NonRetryableError extends Error {
  constructor(
    readonly type: NonRetryableErrorType,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'NonRetryableError';
  }
}

/** For a person: the message, and before it the type of a failure that no retry mends. */
export function describeFailure(error: Error): string {
  return error instanceof NonRetryableError ? `${error.type}: ${error.message}` : error.message;
}
