import { topicOf } from '../../model/topic-id';
import { LOWEST_ORDER_ID, watermarkFrom, type Watermark } from '../../model/watermark';
import type { OrdersSource, OrdersTopic } from '../interfaces';
import type { Named, Unnamed } from '../name-pipeline';
import type { WatermarkFile } from './watermark-file';

export interface OpenCaptureInput extends Unnamed {
  /** Where the operator wants to begin, if he said so. */
  startFrom?: Watermark;
}

export interface OpenCaptureResult extends Named {
  /** Windows published before. */
  sequence: number;
  watermark: Watermark;
  startedFrom: 'workflow input' | 'progress record' | 'state file' | 'default_start_timestamp';
  warnings: string[];
  /** The topic that the place was reached in. */
  topicId?: string;
}

/**
 * Checks table, rights and topic before anything is done, and finds the place to begin: the workflow's input, else
 * the progress record in Kafka, else the replaced pipeline's state file, else the settings' default.
 *
 * Idempotent: creates the topic if it is missing, otherwise only reads. No key is needed.
 * The sequence always follows the record, whatever the place, because the record is what fences a second capture.
 */
export function createOpenCapture(deps: {
  source: OrdersSource;
  topic: OrdersTopic;
  watermarkFile: WatermarkFile;
  defaultStart: string;
}) {
  return async function openCapture({ startFrom }: OpenCaptureInput): Promise<OpenCaptureResult> {
    const { warnings } = await deps.source.check();
    await deps.topic.ensure();
    const record = await deps.topic.progress();
    const id = await deps.topic.id();
    const known = { sequence: record?.sequence ?? 0, warnings, ...topicOf({ topicId: id }) };
    if (startFrom !== undefined) return { ...known, watermark: startFrom, startedFrom: 'workflow input' };
    if (record !== undefined) {
      // Of a topic that is gone: the first publish says so, unless a reset comes before it.
      const { upper: watermark, topicId = id } = record;
      return {
        ...known,
        ...topicOf({ topicId }),
        watermark,
        startedFrom: 'progress record',
      };
    }
    const kept = await deps.watermarkFile.read();
    if (kept !== undefined) return { ...known, watermark: kept, startedFrom: 'state file' };
    // Rows *after* the default: with the lowest id, one created at that very microsecond is after it too.
    const watermark = watermarkFrom({ createdAt: deps.defaultStart, orderId: LOWEST_ORDER_ID });
    return { ...known, watermark, startedFrom: 'default_start_timestamp' };
  };
}
