import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsTable } from '../../configs/describe';

const project = join(__dirname, '../..');
const read = (name: string) => readFileSync(join(project, name), 'utf8');
const readme = read('README.md');

/** What the README names as `npm <words>`, each once. */
const named = (pattern: RegExp) => [...new Set([...readme.matchAll(pattern)].map(([, name]) => name!))];

test('the settings table is the one made from the schema; else: npm run --silent orders -- settings', () => {
  const shown = /<!-- settings -->\n([\s\S]*?)\n<!-- \/settings -->/.exec(readme)?.[1];
  expect(shown).toBe(settingsTable());
});

test('every `npm run <name>` is a script of package.json', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const names = named(/npm run (?:--silent )?([\w:-]+)/g);
  expect(names).toContain('demo');
  expect(Object.keys(scripts)).toEqual(expect.arrayContaining(names));
});

test('every link to a heading has that heading', () => {
  const headings = named(/^#+ (.+)$/gm).map((heading) => heading.toLowerCase().replaceAll(' ', '-'));
  expect(headings).toEqual(expect.arrayContaining(named(/\]\(#([\w-]+)\)/g)));
});
