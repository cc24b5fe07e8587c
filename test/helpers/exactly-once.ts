import { TABLE, checkStructure, compareRows } from '../../dev/oracle';
import { secondsToCatchUp } from '../../dev/torture/recovery';
import { eventually, type FreshPipeline } from './pipeline';

/** Source = lake + quarantine, row by row and value by value; throws with the differences. */
export async function expectAllLandedOnce(pipeline: FreshPipeline): Promise<number> {
  const { rows, wrong } = await compareRows({ ...pipeline, table: TABLE, timezone: 'UTC' });
  expect(wrong).toEqual([]);
  return rows;
}

/**
 * The whole check, from outside: source = topic = lake + quarantine, each order once; ledger without gap or overlap;
 * every file as recorded, and no other. Waits for the last batch; returns the number of orders.
 */
export async function expectExactlyOnce(pipeline: FreshPipeline, timeoutMs = 60_000): Promise<number> {
  await secondsToCatchUp(pipeline, timeoutMs);
  // Offsets without rows, of a transaction's end, are landed a moment later.
  await eventually(async () => expect(await checkStructure(pipeline)).toEqual([]), 10_000);
  return expectAllLandedOnce(pipeline);
}
