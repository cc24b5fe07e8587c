/** Plants secrets and customers' data in a pipeline of secured servers, and looks for them where others than their owners look. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { WORKFLOWS } from '../../domain/names';
import type { LandStatus } from '../../domain/status';
import type { Collector } from '../../dev/traces/collector';
import type { Workers } from '../../dev/workers';
import { eventually } from './pipeline';
import { AMOUNT, CUSTOMER, findings, haystackOf, plant, printed } from './planted';
import { API_KEY, type SecuredPipeline } from './secured-pipeline';
import { PASSWORD } from './secured-servers';
import { sentTo } from './told';

const COLLECTOR_KEY = 'collector-of-a-test';

/** Variables of the workers: all that tells of the pipeline, as loud as it can be. */
export const watchedBy = (collector: Collector) => ({
  LOG_LEVEL: 'debug',
  METRICS_LISTEN: '127.0.0.1:0',
  OTEL_EXPORTER_OTLP_HEADERS: `api-key=${COLLECTOR_KEY}`,
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
  OTEL_TRACES_SAMPLER_ARG: '1',
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

const WRONG = { TEMPORAL_API_KEY: 'another', KAFKA_PASSWORD: 'another', PGPASSWORD: 'another' };

/** @param collector to which the workers have sent their traces */
export async function expectNothingShown(
  { pipeline, client, stack, keys }: SecuredPipeline,
  workers: Workers,
  collector: Collector,
): Promise<void> {
  const land = client.workflow.getHandle(WORKFLOWS.landOrders.id);
  const { rows: before } = await land.query<LandStatus>('status');
  const planted = await plant(pipeline, stack.addresses.KAFKA_BROKERS);
  await eventually(async () => {
    const { rows } = await land.query<LandStatus>('status');
    expect(rows.read - before.read).toBe(planted.landing + planted.quarantined);
    expect(rows.quarantined - before.quarantined).toBe(planted.quarantined);
  });
  // Its details tell the reason for as long as it is paused.
  await land.executeUpdate('pause', { args: [{ reason: 'looked for' }] });
  await eventually(async () => expect((await land.query<LandStatus>('status')).phase).toBe('paused'));
  const mistaken = { ...pipeline, env: { ...pipeline.env, ...WRONG } };
  const hay = {
    ...(await haystackOf(pipeline, client, workers)),
    'the doctor at wrong logins': await printed(mistaken, ['doctor']),
    traces: sentTo(collector),
  };

  // It is looked at where things are, and they are read as they are.
  const known = findings(hay, { reason: 'looked for' }).join();
  for (const place of ['history', 'page', '__temporal_workflow_metadata'])
    expect(known).toContain(`reason in ${place} of orders-land`);
  expect(findings(hay, { rule: 'amount_not_positive' }).join()).toContain('rule in orders quarantine list');
  expect(findings(hay, { metric: 'orders_rows_total{' }).length).toBe(2);
  expect(findings(hay, { span: 'commitMicroBatch' }).join()).toContain('span in traces');
  expect(findings(hay, { event: '"event":"batch_landed"' }).length).toBe(1);
  expect(hay['the doctor at wrong logins']).toMatch(/refuses the login|login was refused/);

  await land.executeUpdate('resume');

  const [, key = ''] = readFileSync(join(keys, 'orders-key.pem'), 'utf8').split('\n');
  expect(key).toMatch(/^[\w+/]{60,}$/);
  const needles = {
    'a customer': CUSTOMER,
    'an amount': AMOUNT,
    'the password': PASSWORD,
    'the password in base64': Buffer.from(PASSWORD).toString('base64').replace(/=+$/, ''),
    'the password in a URL': encodeURIComponent(PASSWORD),
    'Temporal’s key': API_KEY,
    'the collector’s key': COLLECTOR_KEY,
    'the private key': key,
  };
  expect(findings(hay, needles)).toEqual([]);
}
