/** What names a file of this project names one that is there: documents, comments, scripts, Docker's files. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

const project = join(__dirname, '../..');
const NOT_OURS = /^(node_modules|coverage|data|dist|\.git|\.stack.*)$/;
/** Of other packages, or recorded from releases, or about them. */
const NOT_LOOKED_AT =
  /^(package-lock\.json$|test\/replay\/histories\/|test\/world\/releases\/.*json$|CHANGELOG\.md$)/;

function* filesIn(directory: string): Generator<string> {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (NOT_OURS.test(entry.name)) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* filesIn(path);
    else yield path;
  }
}

test('every path that a file names is there', () => {
  /** A directory and a file, from the top; not as part of a longer path or of an import. */
  const PATH = /(?<![\w./@$}-])(?:\w[\w-]*\/)+[\w.-]+\.(?:ts|mjs|cjs|sh|ya?ml|md|java)\b/g;
  const wrong: string[] = [];
  let named = 0;
  for (const path of filesIn(project)) {
    const name = relative(project, path);
    if (!/\.(ts|mjs|cjs|sh|ya?ml|md|json)$|^(Dockerfile|\.ci\/run)$/.test(name) || NOT_LOOKED_AT.test(name))
      continue;
    for (const [mention] of readFileSync(path, 'utf8').matchAll(PATH)) {
      named += 1;
      if (!existsSync(join(project, mention))) wrong.push(`${name}: ${mention}`);
    }
  }
  expect(wrong).toEqual([]);
  expect(named).toBeGreaterThan(200);
});

test('what Docker copies and starts is there, and what it leaves out is nothing of the product', () => {
  const read = (name: string) => readFileSync(join(project, name), 'utf8');
  const dockerfile = read('Dockerfile');
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files]) =>
    files!.split(' '),
  );
  expect(copied).toContain('package.json');
  expect(copied.filter((file) => !existsSync(join(project, file)))).toEqual([]);
  const [, command] = /^CMD (\[.+\])$/m.exec(dockerfile)!;
  const started = (JSON.parse(command!) as string[]).at(-1)!;
  const source = started.replace(/^dist\/(.*)\.js$/, '$1.ts');
  expect(existsSync(join(project, source))).toBe(true);
  const leftOut = read('.dockerignore').split('\n');
  for (const directory of [
    'activities',
    'adapters',
    'configs',
    'domain',
    'messages',
    'ports',
    'reconcile',
    'workers',
    'workflows',
  ])
    expect(leftOut).not.toContain(directory);
});
