import { NonRetryableError } from '../../domain/errors';
import { gapsBefore, LOWEST_PLACE } from '../../domain/gaps';
import { movedLateRows, NONE_MISSED, withPublished, type LateRows } from '../../domain/missed';
import { LOWEST_ORDER_ID, parseTimestamp, watermarkFrom, type Watermark } from '../../domain/watermark';
import type { OrdersSource, OrdersTopic, Progress, WatermarkFile } from '../../ports';
import type { Named, Unnamed } from '../name-pipeline';
import type { Told } from './poll';

export interface OpenCaptureInput extends Unnamed {
  /** Where the operator wants to begin, if he said so. */
  startFrom?: Watermark;
  /**
   * The workflow is told by a conflict that it was reset to an earlier state. It opens again only if the record is beyond
   * this sequence, and its own: published under this first run.
   */
  behind?: Behind;
}

interface Behind {
  sequence: number;
  firstRunId: string;
}

export interface OpenCaptureResult extends Named {
  /** Windows published before. */
  sequence: number;
  watermark: Watermark;
  startedFrom: 'workflow input' | 'progress record' | 'state file' | 'default_start_timestamp';
  /** Of the table; a poll that finds it changed replaces them. */
  warnings: string[];
  /** Of the topic; absent where an earlier version put them among `warnings`. */
  topicWarnings?: string[];
  /** The topic that the place was reached in. */
  topicId?: string;
  /** The source that the place was reached in. */
  sourceId?: string;
  /** What is known of rows that were not captured; absent where the record is of an earlier version. */
  late?: LateRows;
}

/**
 * Checks table, rights and topic before anything is done, and finds the place to begin: the workflow's input, else
 * the progress record in Kafka, else the replaced pipeline's state file, else the settings' default, which if it was left as it
 * is means the lowest place there is.
 *
 * Idempotent: creates the topic if it is missing, otherwise only reads. No key is needed.
 * NonRetryableError CaptureConflict where the workflow is not behind a record of its own.
 * The sequence always follows the record, whatever the place, because the record is what fences a second capture.
 */
export function createOpenCapture(deps: {
  source: OrdersSource;
  topic: OrdersTopic;
  watermarkFile: WatermarkFile;
  defaultStart: string;
  told?: Told;
}) {
  return async function openCapture({ startFrom, behind }: OpenCaptureInput): Promise<OpenCaptureResult> {
    const { warnings, sourceId } = await deps.source.check();
    if (deps.told !== undefined) deps.told.inspection = deps.source.inspected();
    await deps.topic.ensure();
    const ofTopic = await deps.topic.check();
    const record = await deps.topic.progress();
    if (behind !== undefined) refuseOthers(behind, record);
    const id = await deps.topic.id();
    const known = {
      sequence: record?.sequence ?? 0,
      warnings,
      topicWarnings: ofTopic.warnings,
      topicId: id,
      sourceId,
    };
    if (startFrom !== undefined) {
      const late = lateFrom(record, startFrom);
      return { ...known, ...late, watermark: startFrom, startedFrom: 'workflow input' };
    }
    if (record !== undefined) {
      // Of a topic that is gone, or of another source: the first poll or publish says so, unless a reset comes before it.
      const { upper: watermark, topicId = id } = record;
      return {
        ...known,
        topicId,
        sourceId: record.sourceId,
        ...lateOf(record),
        watermark,
        startedFrom: 'progress record',
      };
    }
    const kept = await deps.watermarkFile.read();
    if (kept !== undefined)
      return { ...known, ...beginningAt(kept, 'state file'), watermark: kept, startedFrom: 'state file' };
    const watermark = defaultPlace(deps.defaultStart);
    const late = beginningAt(watermark, 'setting cdc.default_start_timestamp');
    return { ...known, ...late, watermark, startedFrom: 'default_start_timestamp' };
  };
}

function refuseOthers({ sequence, firstRunId }: Behind, record: Progress | undefined): void {
  if (record?.firstRunId === firstRunId && record.sequence > sequence) return;
  throw new NonRetryableError('CaptureConflict', 'the progress record is not a later one of this workflow');
}

/** Rows *after* the setting: with the lowest id, one created at that very microsecond is after it too. */
function defaultPlace(defaultStart: string): Watermark {
  if (parseTimestamp(defaultStart) === 0n) return LOWEST_PLACE;
  return watermarkFrom({ createdAt: defaultStart, orderId: LOWEST_ORDER_ID });
}

function beginningAt(place: Watermark, detail: string): { late: LateRows } {
  return { late: { watch: null, missed: NONE_MISSED, gaps: gapsBefore(place, detail) } };
}

/** The record has it as it was before its window. */
function lateOf({ late, rows }: Progress): { late?: LateRows } {
  if (late === undefined) return {};
  const { watch } = late;
  return { late: { ...late, watch: watch === null ? null : withPublished(watch, rows) } };
}

/** The operator's place is a reset of what the record knows. */
function lateFrom(record: Progress | undefined, to: Watermark): { late?: LateRows } {
  const detail = 'workflow input startFrom';
  if (record === undefined) return beginningAt(to, detail);
  const { late } = lateOf(record);
  if (late === undefined) return {};
  return { late: movedLateRows(late, { from: record.upper, to, because: 'start', detail }) };
}
