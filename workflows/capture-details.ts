import { count, describeCapture } from '../model/describe-status';
import type { Window } from '../model/ranges';
import type { CaptureStatus } from '../model/status';
import { describeWatermark, formatWatermark } from '../model/watermark';
import { asMarkdown } from './details';

/** One line for the Web UI's event list. */
export function summarize(sequence: number, rows: number, { lower, upper }: Window): string {
  return `#${sequence}: ${count(rows, 'row')}, ${describeWatermark(lower)} to ${formatWatermark(upper)}`;
}

/** A few lines for the workflow's page in the Web UI. */
export const captureDetails = (status: CaptureStatus): string => asMarkdown(describeCapture(status));
