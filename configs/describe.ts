import { z } from 'zod';
import { settingsSchema } from './schema';

interface Described {
  properties?: Record<string, Described>;
  unit?: string;
  why?: string;
}

/** The settings as a Markdown table, made from the schema: what docs/settings.md shows. */
export function settingsTable(): string {
  const root = z.toJSONSchema(settingsSchema, { io: 'input', unrepresentable: 'any' }) as Described;
  const defaults: Record<string, Record<string, unknown>> = settingsSchema.parse({});
  const lines = ['| setting | default | unit | what and why |', '|---|---|---|---|'];
  for (const [section, { properties = {} }] of Object.entries(root.properties ?? {})) {
    for (const [key, about] of Object.entries(properties)) {
      const value = defaults[section]?.[key];
      const fallback = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
      lines.push(
        `| \`${section}.${key}\` | ${fallback} | ${about.unit ?? ''} | ${(about.why ?? '').replaceAll('|', '\\|')} |`,
      );
    }
  }
  return lines.join('\n');
}
