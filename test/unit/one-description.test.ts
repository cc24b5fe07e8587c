import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORDERS } from '../../domain/table/orders';

const project = join(__dirname, '..', '..');
const PRODUCT = [
  'activities',
  'adapters',
  'cli',
  'configs',
  'domain',
  'messages',
  'ports',
  'reconcile',
  'workers',
  'workflows',
];
const DESCRIPTION = 'domain/table/orders.ts';

/** Where a column's name must stand. */
const ALLOWED: Record<string, RegExp[]> = {
  // A kind of rows that capture does not reach; it is stored in histories.
  'domain/unreachable.ts': [/'without created_at'/g],
  'adapters/postgres/unreachable.ts': [/'without created_at'/g],
};

/** Code without comments; a `//` in a text is preceded by a colon. */
function codeOf(file: string): string {
  const text = readFileSync(join(project, file), 'utf8');
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(?<!:)\/\/.*$/gm, '');
  return (ALLOWED[file] ?? []).reduce((left, allowed) => left.replace(allowed, ''), code);
}

/** Names as such, as in `t.item`, `'item'` or `sum(amount)`; one of several words cannot be anything else. */
const NAMES = ORDERS.names.map((name) =>
  name.includes('_')
    ? new RegExp(`\\b${name}`)
    : new RegExp(`['"]${name}['"]|\\bt\\.${name}\\b|\\bsum\\(${name}\\)`),
);
const FIELDS = /\b(?:customerName|restaurantName|orderStatus|amountHundredths|createdAtMicros)\b/;

const files = PRODUCT.flatMap((directory) =>
  readdirSync(join(project, directory), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => join(directory, file)),
);

test('the product names a column of the orders table in its description only', () => {
  expect(files.length).toBeGreaterThan(200);
  const naming = files.filter((file) => [...NAMES, FIELDS].some((name) => name.test(codeOf(file))));
  expect(naming).toEqual([DESCRIPTION]);
});
