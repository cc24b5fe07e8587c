import { count, describeCapture } from '../../domain/describe-status';
import type { Window } from '../../domain/ranges';
import type { CaptureStatus } from '../../domain/status';
import { describeWatermark, formatWatermark } from '../../domain/watermark';
import { asMarkdown } from '../shared/details';

/** One line for the Web UI's event list. */
export function summarize(sequence: number, rows: number, { lower, upper }: Window): string {
  return `#${sequence}: ${count(rows, 'row')}, ${describeWatermark(lower)} to ${formatWatermark(upper)}`;
}

/** A few lines for the workflow's page in the Web UI. */
export const captureDetails = (status: CaptureStatus): string => asMarkdown(describeCapture(status));
