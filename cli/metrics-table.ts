import { METRICS } from '../ports';

/** Every metric of ours as a Markdown table: what docs/metrics.md shows. */
export function metricsTable(): string {
  const lines = ['| metric | kind | what | labels |', '|---|---|---|---|'];
  for (const [name, about] of Object.entries(METRICS)) {
    const labels = Object.entries('labels' in about ? about.labels : {});
    const told = labels.map(([label, values]) => `\`${label}\`: ${values}`).join('<br>');
    lines.push(`| \`${name}\` | ${about.kind} | ${about.help} | ${told} |`);
  }
  return lines.join('\n');
}
