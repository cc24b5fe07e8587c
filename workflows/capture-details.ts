import type { Window } from '../model/ranges';
import type { CaptureStatus } from '../model/status';
import { formatWatermark } from '../model/watermark';
import { requestDetails } from './request-details';

/** One line for the Web UI's event list. */
export function summarize(sequence: number, rows: number, { lower, upper }: Window): string {
  return `#${sequence}: ${rows} rows, ${formatWatermark(lower)} to ${formatWatermark(upper)}`;
}

/** A few lines of Markdown for the workflow's page in the Web UI. */
export function captureDetails(status: CaptureStatus): string {
  const lines = [
    `**${status.rows}** rows in **${status.sequence}** windows, ${status.phase}`,
    `watermark \`${status.watermark === null ? 'none yet' : formatWatermark(status.watermark)}\`, lag ${status.lagSeconds} s`,
  ];
  if (status.heldBy !== null) {
    lines.push(`held back by ${status.heldBy.kind} since ${status.heldBy.since}: ${status.heldBy.who}`);
  }
  lines.push(...requestDetails(status));
  if (status.lastError !== null) {
    lines.push(`last error (${status.lastError.activity}, over): ${status.lastError.error}`);
  }
  return [...lines, ...status.warnings.map((warning) => `warning: ${warning}`)].join('\n\n');
}
