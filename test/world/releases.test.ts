/**
 * A pipeline of each release goes on: its lake, progress record, messages, state file, settings and what its workflows carry
 * over are opened by today's code, which captures and lands more, recognises all that is there, and audits clean.
 */
import { parseSettings } from '../../configs/load';
import { WORKFLOWS } from '../../domain/names';
import type { CaptureStatus, LandStatus } from '../../domain/status';
import { insertOrders } from '../../dev/orders/insert-orders';
import type { Harness } from '../faults/harness';
import { startWorkflows } from '../faults/harness';
import { asOperator, commandsIn } from '../faults/as-operator';
import { sideBySide, type LaneWith } from '../faults/side-by-side';
import { eventually, ORDERS_TABLE, type FreshPipeline } from '../helpers/pipeline';
import { orders, violations } from '../../dev/oracle';
import { RELEASES, leftBy, restore, type Release } from './releases/restore';

const { captureOrders, landOrders } = WORKFLOWS;

/** No release before 0.4.0 looked behind where it stood. */
const NOT_COUNTED = /rows missed before .* are not counted .*/;

/** With a time that the release has passed: it is in no message. */
const insertMissed = ({ pool }: FreshPipeline) =>
  pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     VALUES ('Ann', 'Pho', 'Soup', 7.00, 'PLACED', '2020-01-01')`,
  );

async function goesOn(harness: Harness, release: Release, carriedOver: boolean): Promise<void> {
  const { pipeline, client } = harness;
  const left = await restore(pipeline, release);
  await insertMissed(pipeline);
  if (carriedOver) {
    const start = (
      type: string,
      { id: workflowId, taskQueue }: (typeof WORKFLOWS)[keyof typeof WORKFLOWS],
      args: unknown[],
    ) => client.workflow.start(type, { workflowId, taskQueue, args });
    await start('captureOrders', captureOrders, [left.capture]);
    await start('landOrders', landOrders, [left.land]);
  } else await eventually(() => startWorkflows(client));

  const capture = client.workflow.getHandle(captureOrders.id);
  const land = client.workflow.getHandle(landOrders.id);
  await insertOrders(pipeline.pool, 60);
  expect(await violations(harness, { statusSays: NOT_COUNTED })).toEqual([]);
  const { sequence } = await capture.query<CaptureStatus>('status');
  // It went on where the release was: what that had published was not published again.
  expect(sequence).toBe(left.transactions.length + 1);

  expect(await orders(harness, 'audit')).toMatchObject({ code: 0 });
  if (!carriedOver) return;

  // All of it once more, as status advises: what the release landed is recognised, and what it missed lands.
  const { output } = await orders(harness, 'status');
  await asOperator(harness, commandsIn(NOT_COUNTED.exec(output)![0])[0]);
  await eventually(async () => {
    expect((await capture.query<CaptureStatus>('status')).sequence).toBeGreaterThan(sequence);
  });
  const before = (await land.query<LandStatus>('status')).rows.read;
  await land.signal('resetOffsets', { offsets: 'earliest' });
  await eventually(async () => {
    expect((await land.query<LandStatus>('status')).rows.read).toBeGreaterThanOrEqual(before + 170);
  });
  expect(await violations(harness)).toEqual([]);
  expect(await orders(harness, 'audit')).toMatchObject({ code: 0 });
  expect(await orders(harness, 'verify')).toMatchObject({ code: 0 });
}

sideBySide(
  RELEASES.flatMap((release): LaneWith[] => [
    {
      lane: {
        [`${release}: from what its workflows carry over`]: (harness) => goesOn(harness, release, true),
      },
      options: { begin: false },
    },
    {
      lane: {
        [`${release}: new workflows, from its record and its ledger`]: (harness) =>
          goesOn(harness, release, false),
      },
      options: { begin: false },
    },
  ]),
  // Six pipelines start at the same time.
  600_000,
);

test.each(RELEASES)('the settings of %s are read', (release) => {
  const { settings } = leftBy(release);
  expect(parseSettings(settings, 'orders_stream.yml', {})).toEqual(
    expect.objectContaining({
      kafka: expect.objectContaining({ topic: '2025em1100102_food_orders_raw' }) as object,
    }),
  );
});
