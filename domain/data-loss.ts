/** What an operator does about offsets that Kafka no longer has; the same words wherever the loss is noticed. */
import { NonRetryableError } from './errors';
import { WORKFLOWS } from './names';
import { formatOffsets, type Offsets } from './ranges';
import { LOWEST_ORDER_ID } from './watermark';

/** One command and not two: a landing that is only started again stops at the same gap before a signal can reach it. */
export function landFrom(offsets: Offsets | 'earliest'): string {
  return signalWithStart('landOrders', 'resetOffsets', JSON.stringify({ offsets }));
}

/** Repeats are dropped by the landing, so a moment that is too early does no harm. A capture that has stopped is started. */
export const PUBLISH_AGAIN = publishAgainFrom(undefined);

/** The same from a moment that is known, that moment's rows included. */
export function publishAgainFrom(createdAt: string | undefined): string {
  const moment = createdAt ?? '<a moment before the lost orders>';
  const input =
    createdAt === undefined
      ? `{"createdAt": "${moment}"}`
      : `{"createdAt": "${moment}", "orderId": "${LOWEST_ORDER_ID}"}`;
  return signalWithStart('captureOrders', 'resetWatermark', input);
}

/** Goes on at a place, whichever topic and source are there. */
export function captureFrom({ createdAt, orderId }: { createdAt: string; orderId: string }): string {
  return signalWithStart('captureOrders', 'resetWatermark', JSON.stringify({ createdAt, orderId }));
}

function signalWithStart(type: keyof typeof WORKFLOWS, signal: string, input: string): string {
  const { id, taskQueue } = WORKFLOWS[type];
  return (
    `temporal workflow signal-with-start --workflow-id ${id} --type ${type} --task-queue ${taskQueue} ` +
    `--signal-name ${signal} --signal-input '${input}'`
  );
}

/** The failure for offsets of a topic that is gone, although its name is there. */
export function otherTopic(known: string, found: string, offsets: Offsets): NonRetryableError {
  return new NonRetryableError(
    'DataLoss',
    `the topic was deleted and recreated: its id is ${found}, but the offsets to land next (${formatOffsets(offsets)}) are of ` +
      `the one with the id ${known}. What that one held from there on is gone. Land what the topic holds now, from its first ` +
      `message on; repeats are dropped: ${landFrom('earliest')} and publish the lost rows again: ${PUBLISH_AGAIN}`,
  );
}
