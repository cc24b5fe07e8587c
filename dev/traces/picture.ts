/**
 * `npm run trace-picture`: docs/images/trace.png, one window of 20,000 orders on its way through a fresh pipeline of the
 * stack, as its workers send it.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LandStatus } from '../../domain/status';
import { untilStatus, withBench } from '../bench/pipeline';
import { pictureOf } from '../scripts/browser';
import { ORDERS_TABLE, retrying } from '../stack/fresh-pipeline';
import { startCollector, type ReceivedSpan } from './collector';
import { waterfall } from './waterfall';

const ROWS = 20_000;
const FILE = 'docs/images/trace.png';
/** One COMMIT, so one window. */
const INSERT = `
  INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status)
  SELECT 'Alice', 'Spice Garden', 'Butter Chicken', 100 + i % 400, 'PLACED' FROM generate_series(1, $1::int) i`;

async function main(): Promise<void> {
  const collector = await startCollector();
  Object.assign(process.env, {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
    OTEL_TRACES_SAMPLER_ARG: '1',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
  const { spans } = collector;
  const trace = await withBench({}, async ({ pipeline, client, start }) => {
    await start('landOrders');
    await start('captureOrders');
    const landed = (rows: number) =>
      untilStatus<LandStatus>(client, 'landOrders', (status) => status.rows.read >= rows);
    // The first windows pay for what is loaded and connected once.
    for (let n = 1; n <= 3; n += 1) {
      await pipeline.pool.query(INSERT, [ROWS]);
      await landed(n * ROWS);
    }
    return retrying(() => wholeTrace(spans));
  });
  await collector.close();
  await draw(trace);
}

/** The newest that has come to its end. */
function wholeTrace(spans: readonly ReceivedSpan[]): ReceivedSpan[] {
  const last = spans.filter(({ name }) => name === 'commitMicroBatch').at(-1);
  const trace = spans.filter(({ traceId }) => traceId === last?.traceId);
  if (!trace.some(({ name }) => name === 'advanceWatermark')) throw new Error('no whole trace has come');
  return trace;
}

async function draw(trace: readonly ReceivedSpan[]): Promise<void> {
  const { html, ...size } = waterfall(trace);
  const png = await pictureOf(html, size);
  writeFileSync(join(__dirname, '../..', FILE), png);
  console.log(`${FILE}  ${Math.round(png.length / 1024)} KB, ${trace.length} spans`);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
