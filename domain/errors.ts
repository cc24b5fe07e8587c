/**
 * The closed list of lasting failures: what a retry can never mend. Each becomes an
 * `ApplicationFailure.nonRetryable` with this word as its type, at the edge of an activity.
 * Everything else, known or not, is an outage and is retried until it works.
 */
export const LASTING_FAILURES = {
  InvalidSettings: 'the settings file or the workflow input is wrong',
  InsufficientPrivilege: 'a role lacks a right that the pipeline needs',
  SchemaMismatch: 'the orders table lacks a column or has one of another type',
  TopicMismatch: 'the topic exists with too few partitions, or with settings that keep messages out',
  CaptureConflict: 'a second capture runs on this pipeline',
  LandingConflict: 'a second landing runs on this lake',
  DataLoss: 'offsets that were to be landed no longer exist in Kafka',
  BatchNotLandable: 'a micro-batch cannot be read, judged or written as it is; it is parked',
  BatchTooWide: 'a micro-batch has rows of more dates than one result can name; it is landed in parts',
  ForeignResult: 'an activity was completed by hand with what none of ours returns',
  LakeNotWritable: 'the lake folder cannot be written',
  LakeMismatch: 'the lake, or its ledger, is not the one that was landed in',
} as const;

export type LastingFailureType = keyof typeof LASTING_FAILURES;

/** A failure that no retry mends. The message says what, where and what to do. */
export class LastingFailure extends Error {
  constructor(
    readonly type: LastingFailureType,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'LastingFailure';
  }
}
