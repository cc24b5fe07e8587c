/** Rows that capture does not reach: each is counted, whatever becomes of the workflow, and comes by the remedy that is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../domain/names';
import { insertOrders } from '../../dev/orders/insert-orders';
import { asOperator, commandsIn } from '../faults/as-operator';
import { startWorkflows, type Harness } from '../faults/harness';
import { sideBySide, type Lane } from '../faults/side-by-side';
import { ORDERS_TABLE } from '../helpers/pipeline';
import { orders, violations } from '../../dev/oracle';

const CAPTURE = WORKFLOWS.captureOrders.id;

/** Orders that are good but for their created_at, as SQL; with ids of the sequence if none is given. */
async function insert({ pipeline }: Harness, createdAt: string[], id?: string): Promise<void> {
  for (const moment of createdAt)
    await pipeline.pool.query(
      `INSERT INTO ${ORDERS_TABLE} (${id === undefined ? '' : 'order_id, '}customer_name, restaurant_name, item, amount, order_status, created_at)
       SELECT ${id === undefined ? '' : `${id}, `}'Ada', 'b', 'c', 5, 'PLACED', ${moment}`,
    );
}

/** By a session with a TimeZone of its own, and the column's default. */
async function insertIn({ pipeline }: Harness, zone: string): Promise<void> {
  await pipeline.pool.query(
    `BEGIN; SET LOCAL TimeZone TO '${zone}';
     INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status) VALUES ('Ada', 'b', 'c', 5, 'PLACED');
     COMMIT`,
  );
}

/** Just so many rows are counted and in no file; everything else is in a file once. */
async function counted(harness: Harness, rows: number): Promise<void> {
  await insertOrders(harness.pipeline.pool, 10);
  expect(await violations(harness, { counted: rows })).toEqual([]);
}

async function whileAway(harness: Harness, change: () => Promise<unknown>): Promise<void> {
  await harness.client.workflow.getHandle(CAPTURE).terminate('test');
  await change();
  await startWorkflows(harness.client);
}

/** Runs each UPDATE that `status` tells, as it stands there. */
async function mend(harness: Harness, told: string): Promise<number> {
  const statements = [...new Set(told.match(/UPDATE [^;\n]*;/g))];
  for (const statement of statements) await harness.pipeline.pool.query(statement);
  return statements.length;
}

const WITHOUT_PLACE = [
  'NULL',
  `'infinity'`,
  `'-infinity'`,
  `'0044-03-15 BC'`,
  `'12000-01-01'`,
  `now() AT TIME ZONE 'UTC' + interval '40 days'`,
];
/** Captured although they lie before 1970, as a pipeline that never ran begins at the lowest row. */
const OLD = [
  `'1969-07-20 20:17:40.5'`,
  `'0001-01-01 00:00:00.000001'`,
  `'0999-12-31 23:59:59.999999'`,
  `'1970-01-01'`,
];

const allKinds: Lane = {
  'rows of each kind that were there before the start are counted, and those of all years land': async (
    harness,
  ) => {
    await insert(harness, [...WITHOUT_PLACE, ...OLD]);
    await insert(harness, [`'1969-12-31'`], '-7');
    await insert(harness, [`'1969-12-31'`], '2147483647');
    await startWorkflows(harness.client);
    await counted(harness, 6);
  },
  'while it runs, from sessions of other zones too': async (harness) => {
    await insert(harness, WITHOUT_PLACE);
    await insert(harness, [`'2020-01-01'`, `'0500-01-01'`]);
    await insertIn(harness, 'Asia/Tokyo');
    await insertIn(harness, 'America/New_York');
    await counted(harness, 6 + 6 + 2 + 1 + 1);
  },
  'verify and doctor name them': async (harness) => {
    const verified = await orders(harness, 'verify');
    expect(verified.code).toBe(1);
    for (const kind of [
      /^2 rows without a created_at/m,
      /^3 rows lie in the future/m,
      /^2 rows with created_at -infinity/m,
    ])
      expect(verified.output).toMatch(kind);
    const { output } = await orders(
      harness,
      'verify',
      '--json',
      '--from',
      '2021-01-01',
      '--to',
      '2021-01-02',
    );
    expect(JSON.parse(output)).toMatchObject({
      equal: false,
      unreachable: [{ kind: 'without created_at', rows: 2, examples: ['1', expect.any(String)] }],
    });
    const examined = await orders(harness, 'doctor');
    for (const kind of [
      'in the future',
      'without a created_at',
      'created_at infinity',
      'before year 1',
      'after year 9999',
    ])
      expect(examined.output).toContain(kind);
  },
  'after the workflow was ended, more came, and another was started': async (harness) => {
    await whileAway(harness, async () => {
      await insert(harness, [`'2019-05-05'`, 'NULL', `'0044-03-15 BC'`]);
      await insertIn(harness, 'America/New_York');
    });
    await counted(harness, 16 + 4);
  },
  'what no count can see verify names: an old id at an old place, and a place that was given later': async (
    harness,
  ) => {
    await insert(harness, [`'2021-03-03'`], '-100');
    await harness.pipeline.pool.query(
      `UPDATE ${ORDERS_TABLE} SET created_at = '2021-04-04' WHERE order_id = 1 AND created_at IS NULL`,
    );
    const { code, output } = await orders(harness, 'verify');
    expect(code).toBe(1);
    expect(output).toMatch(/order -100 of 2021-03-03T\S+ missing in lake/);
    expect(output).toMatch(/order 1 of 2021-04-04T\S+ missing in lake/);
  },
  'the remedies that status tells bring them all': async (harness) => {
    const { output } = await orders(harness, 'status');
    expect(await mend(harness, output)).toBe(6);
    const [reset] = commandsIn(output);
    await asOperator(harness, reset);
    await counted(harness, 0);
    expect((await orders(harness, 'status')).output).not.toMatch(/not captured|in the future/);
  },
};

const START = '2020-01-01 00:00:00';

const passedOver: Lane = {
  'rows before a start that was chosen are counted and explained': async (harness) => {
    await insert(harness, [`'2019-01-01'`, `'1969-01-01'`, `'2020-05-05'`]);
    await startWorkflows(harness.client);
    await counted(harness, 2);
    expect((await orders(harness, 'status')).output).toMatch(
      /2 rows lie before the start, given by the setting cdc.default_start_timestamp/,
    );
  },
  'those that a reset passes over too, also if the workflow is ended then': async (harness) => {
    const reset = `temporal workflow signal --workflow-id ${CAPTURE} --name resetWatermark --input '{"createdAt":"2100-01-01"}'`;
    await harness.client.workflow.getHandle(CAPTURE).signal('pause');
    await insert(harness, [`now() AT TIME ZONE 'UTC'`, `now() AT TIME ZONE 'UTC'`]);
    await asOperator(harness, reset.replace('2100-01-01', new Date(Date.now() + 100).toISOString()));
    await harness.client.workflow.getHandle(CAPTURE).signal('resume');
    await counted(harness, 4);
    await whileAway(harness, () => insert(harness, [`'2019-02-02'`, `'2021-01-01'`]));
    await counted(harness, 6);
    expect((await orders(harness, 'status')).output).toMatch(
      /2 rows lie where capture passed over, by the reset at/,
    );
  },
  'the reset that is told for each brings them': async (harness) => {
    const { output } = await orders(harness, 'status');
    const placeOf = (command: string) => /"createdAt":"([^"]+)"/.exec(command)![1]!;
    // The latest first, as each brings what lies after it.
    const commands = commandsIn(output).sort((a, b) => (placeOf(a) < placeOf(b) ? 1 : -1));
    const left = [4, 3, 0];
    expect(commands).toHaveLength(left.length);
    for (const [index, rows] of left.entries()) {
      await asOperator(harness, commands[index]);
      await counted(harness, rows);
    }
    expect((await orders(harness, 'verify')).output).toContain('equal: verified through');
  },
};

const CAME = /rows missed between .*came into the table.*/;

/** A child of the table, filled by `fill` before it joins. */
const attach = ({ pipeline }: Harness, name: string, fill = '') =>
  pipeline.pool.query(
    `CREATE TABLE ${name} (LIKE ${ORDERS_TABLE} INCLUDING ALL); ${fill}; ALTER TABLE ${name} INHERIT ${ORDERS_TABLE}`,
  );

const oldOrders = (name: string) =>
  `INSERT INTO ${name} (order_id, customer_name, restaurant_name, item, amount, order_status, created_at)
   SELECT -n, 'Ada', 'b', 'c', 5, 'PLACED', timestamp '2021-01-01' + n * interval '1 day' FROM generate_series(1, 20) n`;

const attached: Lane = {
  'a new part of the table that is empty at first is nothing to tell': async (harness) => {
    await counted(harness, 0);
    await attach(harness, '"new.part"');
    await harness.pipeline.pool.query(
      `INSERT INTO "new.part" (customer_name, restaurant_name, item, amount, order_status) VALUES ('Ada', 'b', 'c', 5, 'PLACED')`,
    );
    await counted(harness, 0);
    expect((await orders(harness, 'status')).output).not.toMatch(CAME);
  },
  'one with orders of before is told': async (harness) => {
    // A look comes every 10 s. By a baseline of the empty table alone, its orders would be counted as missed.
    await sleep(15_000);
    await attach(harness, '"old.part"', oldOrders('"old.part"'));
    expect(await violations(harness, { statusSays: CAME })).toEqual([]);
    expect((await orders(harness, 'status')).output).toContain('(public."old.part" came into the table');
  },
  'the reset that is told brings them, and is the end of it': async (harness) => {
    const told = CAME.exec((await orders(harness, 'status')).output)![0];
    await asOperator(harness, commandsIn(told)[0]);
    await counted(harness, 0);
    expect((await orders(harness, 'status')).output).not.toMatch(CAME);
  },
  'while no capture runs': async (harness) => {
    await whileAway(harness, () => attach(harness, 'older', oldOrders('older').replace('-n,', '-n - 100,')));
    expect(await violations(harness, { statusSays: CAME })).toEqual([]);
  },
};

sideBySide([
  { lane: attached, options: {} },
  { lane: allKinds, options: { begin: false } },
  {
    lane: passedOver,
    options: { begin: false, overrides: { cdc: { default_start_timestamp: START } } },
  },
]);
