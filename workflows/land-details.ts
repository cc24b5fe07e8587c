import type { BatchManifest } from '../activities/interfaces';
import { count, describeLand } from '../model/describe-status';
import type { LandStatus } from '../model/status';
import { asMarkdown } from './details';

/** One line for the Web UI's event list. */
export function summarizeManifest({ counts, files }: BatchManifest): string {
  return (
    `${count(counts.read, 'message')}: ${counts.landed} landed in ${count(files.length, 'file')}, ` +
    `${counts.quarantined} quarantined, ${count(counts.duplicate, 'duplicate')}`
  );
}

/** A few lines for the workflow's page in the Web UI. */
export const landDetails = (status: LandStatus): string => asMarkdown(describeLand(status));
