import type { BatchManifest } from '../../ports';
import { count, describeLand } from '../../domain/describe-status';
import type { LandStatus } from '../../domain/status';
import { asMarkdown } from '../shared/details';

/** One line for the Web UI's event list. */
export function summarizeManifest({ counts, files }: BatchManifest): string {
  return (
    `${count(counts.read, 'message')}: ${counts.landed} landed in ${count(files.length, 'file')}, ` +
    `${counts.quarantined} quarantined, ${count(counts.duplicate, 'duplicate')}`
  );
}

/** A few lines for the workflow's page in the Web UI. */
export const landDetails = (status: LandStatus): string => asMarkdown(describeLand(status));
