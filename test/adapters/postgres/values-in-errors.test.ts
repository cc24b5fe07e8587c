/** PostgreSQL's errors about a value quote it, and errors go to logs and into Temporal's history. */
import { createSourceRows } from '../../../adapters/postgres';
import { START, capture, pipeline, source } from './fresh-source';
import { ORDERS_TABLE } from '../../helpers/pipeline';
import { SILENT } from '../../helpers/telemetry';

test('an error about a value does not show it, to capture and to verify', async () => {
  // Worked out when it is read.
  await pipeline.pool.query(
    `ALTER TABLE ${ORDERS_TABLE} DROP COLUMN amount,
       ADD COLUMN amount numeric(10,2) GENERATED ALWAYS AS (item::numeric(10,2)) VIRTUAL;
     INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, order_status)
     VALUES ('A', 'B', '7"Zarathustra"', 'PLACED')`,
  );
  await source.check();
  const rows = createSourceRows(pipeline.settings, SILENT);
  const sums = async () =>
    (await rows.open()).sums({ from: START.createdAt, to: '2100-01-01T00:00:00.000000Z' }, 'day');
  try {
    for (const work of [capture(START), sums()]) {
      const failure: unknown = await work.catch((error: unknown) => error);
      expect(failure).toMatchObject({
        message: expect.stringMatching(/invalid input syntax for type numeric: \(a value\)$/) as string,
        cause: { code: '22P02' },
      });
      for (let error = failure; error instanceof Error; error = error.cause)
        expect(`${error.message} ${error.stack}`).not.toContain('Zarathustra');
    }
  } finally {
    await rows.close();
  }
});
