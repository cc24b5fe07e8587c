import type { BatchManifest } from '../activities/interfaces';
import type { LandStatus } from '../model/status';
import { requestDetails } from './request-details';

/** One line for the Web UI's event list. */
export function summarizeManifest({ counts, files }: BatchManifest): string {
  return `${counts.landed} landed in ${files.length} files, ${counts.quarantined} quarantined, ${counts.duplicate} duplicates`;
}

/** A few lines of Markdown for the workflow's page in the Web UI. */
export function landDetails(status: LandStatus): string {
  const { landed, quarantined, duplicate } = status.rows;
  const lines = [
    `**${landed}** rows landed in **${status.sequence}** batches, ${quarantined} quarantined, ${duplicate} duplicates, ${status.phase}`,
    `newest order \`${status.newestCreatedAt ?? 'none yet'}\`, next offsets ${JSON.stringify(status.nextOffsets)}`,
  ];
  const failures = Object.entries(status.failures).map(([code, count]) => `${code} ${count}`);
  if (failures.length > 0) lines.push(`quarantined by rule: ${failures.join(', ')}`);
  lines.push(...requestDetails(status));
  if (status.lastError !== null) {
    lines.push(`last error (${status.lastError.activity}, over): ${status.lastError.error}`);
  }
  return lines.join('\n\n');
}
