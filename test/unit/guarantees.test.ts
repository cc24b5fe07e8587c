import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const project = join(__dirname, '../..');
const page = readFileSync(join(project, 'docs/guarantees.md'), 'utf8');

/** `directory/file` of a test, and after a colon the names of its tests in “quotes”, separated by commas. */
const REFERENCE =
  /`((?:activities|adapters|cli|commands|e2e|faults|oracle|replay|torture|unit|workflows|world)(?:\/[\w-]+)+)`(?::\s((?:“[^”]+”(?:,\s)?)+))?/g;

const references = [...page.matchAll(REFERENCE)].map(([, file = '', names = '']) => ({
  path: join(project, 'test', `${file}.test.ts`),
  file,
  names: [...names.matchAll(/“([^”]+)”/g)].map(([, name]) => name!.replaceAll(/\s+/g, ' ')),
}));

test('every test that the page names is there', () => {
  const missing = references.flatMap(({ path, file, names }) => {
    if (!existsSync(path)) return [file];
    // What holds of several kinds has its tests beside the suites that run them.
    const shared = path.replace('.test.ts', '-contract.ts');
    const source = [path, shared].map((one) => (existsSync(one) ? readFileSync(one, 'utf8') : '')).join('\n');
    const found = (name: string) => ["'", '`', '"'].some((quote) => source.includes(quote + name + quote));
    return names.filter((name) => !found(name)).map((name) => `${file}: ${name}`);
  });
  expect(missing).toEqual([]);
});

test('the page names tests for nearly all that it promises, each with its file', () => {
  const named = references.flatMap(({ names }) => names);
  expect(named.length).toBeGreaterThan(50);
  expect([...page.matchAll(/“/g)]).toHaveLength(named.length);
});

test('every file of the product that the page names is there', () => {
  const files = [...page.matchAll(/`([\w-]+(?:\/[\w-]+)+\.ts)`/g)].map(([, path]) => path!);
  expect(files.length).toBeGreaterThan(20);
  expect(files.filter((path) => !existsSync(join(project, path)))).toEqual([]);
});
