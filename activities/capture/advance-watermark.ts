import { PUBLISH_AGAIN } from '../../domain/data-loss';
import { NonRetryableError } from '../../domain/errors';
import type { Window } from '../../domain/ranges';
import type { OrdersTopic, WatermarkFile } from '../../ports';

export interface AdvanceWatermarkInput extends Window {
  sequence: number;
}

/**
 * Confirms that the window's record is in Kafka, then mirrors the watermark to the state file.
 *
 * Idempotency key: sequence. Writing the same line again changes nothing, and an attempt that wakes up late finds a
 * newer record and leaves the file alone. The truth is the workflow's state and Kafka's record; if the process
 * dies before the file is written, the retry writes it. NonRetryableError CaptureConflict where the record is gone: only a topic
 * that is deleted takes it along so soon.
 */
export function createAdvanceWatermark(deps: { topic: OrdersTopic; watermarkFile: WatermarkFile }) {
  return async function advanceWatermark({
    sequence,
    upper,
  }: AdvanceWatermarkInput): Promise<{ sequence: number }> {
    const record = await deps.topic.progress();
    if (record === undefined) {
      throw new NonRetryableError(
        'CaptureConflict',
        `The progress record of window ${sequence}, which was published, is gone: the topic was deleted. Publish again what had ` +
          `not landed; repeats are dropped: ${PUBLISH_AGAIN}`,
      );
    }
    if (record.sequence < sequence) {
      throw new Error(
        `The progress record shows sequence ${record.sequence}, not yet ${sequence}, which was published.`,
      );
    }
    if (record.sequence === sequence) await deps.watermarkFile.write(upper);
    return { sequence };
  };
}
