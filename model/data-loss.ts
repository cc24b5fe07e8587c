/** What an operator does about offsets that Kafka no longer has; the same words wherever the loss is noticed. */
import { WORKFLOWS } from './names';
import type { Offsets } from './ranges';

/** One command and not two: a landing that is only started again stops at the same gap before a signal can reach it. */
export function landFrom(offsets: Offsets | 'earliest'): string {
  const { id, taskQueue } = WORKFLOWS.landOrders;
  return (
    `temporal workflow signal-with-start --workflow-id ${id} --type landOrders --task-queue ${taskQueue} ` +
    `--signal-name resetOffsets --signal-input '${JSON.stringify({ offsets })}'`
  );
}

/** Repeats are dropped by the landing, so a moment that is too early does no harm. */
export const PUBLISH_AGAIN =
  `temporal workflow signal --workflow-id ${WORKFLOWS.captureOrders.id} --name resetWatermark ` +
  `--input '{"createdAt": "<a moment before the lost orders>"}'`;
