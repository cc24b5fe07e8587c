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
  const describe = (path: string, about: Described, value: unknown): void => {
    if (about.why === undefined) {
      for (const [key, below] of Object.entries(about.properties ?? {}))
        describe(`${path}.${key}`, below, (value as Record<string, unknown> | undefined)?.[key]);
      return;
    }
    const fallback = value === undefined ? '' : `\`${JSON.stringify(value)}\``;
    lines.push(`| \`${path}\` | ${fallback} | ${about.unit ?? ''} | ${about.why.replaceAll('|', '\\|')} |`);
  };
  for (const [section, about] of Object.entries(root.properties ?? {}))
    describe(section, about, defaults[section]);
  return lines.join('\n');
}
