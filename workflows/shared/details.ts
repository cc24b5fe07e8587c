import type { Described } from '../../domain/describe-status';

/** The Web UI's box shows the first lines only, so trouble comes first, and lines are broken, not set apart. */
export function asMarkdown({ trouble, facts }: Described): string {
  return [...trouble.map((line) => `**!** ${line}`), ...facts].join('  \n');
}
