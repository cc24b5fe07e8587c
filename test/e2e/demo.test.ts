import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ORDERS_TABLE, freshNamespace, freshPipeline, type FreshPipeline } from '../helpers/pipeline';

let pipeline: FreshPipeline;
let namespace: Awaited<ReturnType<typeof freshNamespace>>;

beforeAll(async () => {
  pipeline = await freshPipeline();
  namespace = await freshNamespace(pipeline.name);
});
afterAll(async () => {
  await namespace.close();
  await pipeline.dispose();
});

const RULES = [
  'order_id_null',
  'amount_not_positive',
  'customer_name_empty',
  'restaurant_name_empty',
  'item_empty',
  'order_status_empty',
];

/** Runs the demo for some seconds of live orders, as CI would; `onLine` hears what it prints. */
async function runDemo(
  seconds: number,
  onLine: (line: string) => void = () => undefined,
): Promise<{ code: number | null; output: string }> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'dev/demo/main.ts', '--once', '--seconds', String(seconds)],
    {
      cwd: join(__dirname, '../..'),
      env: { ...process.env, ...pipeline.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      for (const line of text.split('\n')) onLine(line);
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

const counted = async () => {
  const { rows } = await pipeline.pool.query<{ rows: number }>(
    `SELECT count(*)::int AS rows FROM ${ORDERS_TABLE}`,
  );
  return rows[0]!.rows;
};

test('from an empty table: every order arrives, the check says so, and all six rules are broken', async () => {
  const { code, output } = await runDemo(4);
  expect(output).toMatch(/source = lake \+ quarantine: [\d,]+ = [\d,]+ \+ [\d,]+\n/);
  expect(output).toMatch(/every order_id once, all seven columns equal, in the topic too\n/);
  expect(output).toMatch(/equal: verified through \d{4}-/);
  expect(output).toMatch(/orders audit: \d+ ledger entries, \d+ files, each as it was recorded\n/);
  // A line for each day of the samples, and the sums.
  expect(output.match(/^ +\d{4}-\d\d-\d\d(?: +[\d,]+){4}$/gm)!.length).toBeGreaterThanOrEqual(5);
  expect(output).toMatch(/^ +sum of amount(?: +[\d,]+\.\d\d){4}$/m);
  expect(output).toMatch(/freshness of \d+ live orders: p50 \d+\.\d\d s/);
  for (const rule of RULES) expect(output).toMatch(new RegExp(`${rule} +\\d+`));
  expect(code).toBe(0);
  expect(await counted()).toBeGreaterThan(1_200 + 40);
});

test('a second run keeps the first one’s orders; one that was not captured fails the check by its id', async () => {
  const before = await counted();
  let lost: Promise<string> | undefined;
  const insertBehindTheWatermark = async () => {
    const { rows } = await pipeline.pool.query<{ id: string }>(
      `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
       VALUES ('Late', 'Spice Garden', 'Ramen', 12.50, 'PLACED', '2001-01-01') RETURNING order_id::text AS id`,
    );
    return rows[0]!.id;
  };
  const { code, output } = await runDemo(3, (line) => {
    if (line.includes('Live orders')) lost ??= insertBehindTheWatermark();
  });
  expect(lost).toBeDefined();
  expect(output).toContain('1 order missing in lake and quarantine (in the source, but not there)\n');
  expect(output).toMatch(
    new RegExp(`order ${await lost!} of 2001-01-01T00:00:00.000000Z missing in lake and quarantine`),
  );
  expect(output).not.toContain('source = lake + quarantine:');
  expect(code).toBe(1);
  expect(await counted()).toBeGreaterThan(before + 1);
});
