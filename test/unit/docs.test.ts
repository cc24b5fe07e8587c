import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { metricsTable } from '../../cli/metrics-table';
import { settingsTable } from '../../configs/describe';

const project = join(__dirname, '../..');
const read = (name: string) => readFileSync(join(project, name), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(project, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** What a text names by a pattern, each once. */
const named = (text: string, pattern: RegExp) => [
  ...new Set([...text.matchAll(pattern)].map(([, name]) => name!)),
];

/** As Markdown's readers make a heading's address. */
const addressOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} -]/gu, '')
    .replaceAll(' ', '-');

test('the README stays short', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(180);
});

test('the settings table is the one made from the schema; else: npm run --silent orders -- settings', () => {
  const shown = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(read('docs/settings.md'))?.[1];
  expect(shown).toBe(settingsTable());
});

test('the metrics table is the one made from the list; else: npm run --silent orders -- metrics', () => {
  const shown = /<!-- metrics -->\n([\s\S]*?)\n<!-- \/metrics -->/.exec(read('docs/metrics.md'))?.[1];
  expect(shown).toBe(metricsTable());
});

test('every `npm run <name>` is a script of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const names = pages.flatMap((page) => named(read(page), /npm run (?:--silent )?([\w:-]+)/g));
  expect(names).toContain('demo');
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(names));
});

test.each(pages)('every link of %s leads to a file, and to a heading in it', (page) => {
  const broken = named(read(page), /\]\((?!https?:)([^)]+)\)/g).filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    if (!existsSync(join(project, target))) return true;
    const headings = () => named(read(target), /^#+ (.+)$/gm).map(addressOf);
    return heading !== undefined && !headings().includes(heading);
  });
  expect(broken).toEqual([]);
});

test('every page of docs is named in its index', () => {
  const index = read('docs/README.md');
  const missing = pages.filter((page) => page.startsWith('docs/') && !index.includes(`(${page.slice(5)})`));
  expect(missing).toEqual(['docs/README.md']);
});
