import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { up } from '../../dev/stack';
import { endWithUs } from './end-with-us';

/**
 * Starts PostgreSQL, Kafka, Temporal and an S3 server once for all suites, in a directory of their own on free ports. They end with the
 * tests, also when those are interrupted or killed: a reaper waits for the end of this process.
 *
 * ORDERS_TEST_STACK=directory keeps the servers there running between runs, for work on the tests.
 */
export default async function setup(): Promise<void> {
  const kept = process.env['ORDERS_TEST_STACK'];
  const scratch = mkdtempSync(join(tmpdir(), 'orders-stream-test-'));
  const home = kept ?? join(scratch, 'stack');
  endWithUs({ scratch });
  const addresses = await up({
    home,
    useEnvironment: false,
    s3: true,
    onProgress: (line) => process.stderr.write(`${line}\n`),
    // A topic that is given a retention loses messages within seconds; none has one by itself.
    kafkaProperties: { 'log.retention.check.interval.ms': '1000', 'log.initial.task.delay.ms': '1000' },
    // So low that every longer test goes through continue-as-new several times.
    temporalDynamicConfig: { 'limit.historyCount.suggestContinueAsNew': 60 },
  });
  // Of the S3 server only what asks for it knows: elsewhere a lake is in a directory.
  const { AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, LAKE_PATH, ...own } =
    addresses;
  const s3 = { AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, LAKE_PATH };
  Object.assign(process.env, own, {
    // A test that is interrupted leaves its directories where they go with the rest.
    TMPDIR: scratch,
    ORDERS_TEST_SERVERS: JSON.stringify(own),
    ORDERS_TEST_S3: JSON.stringify(s3),
    ORDERS_TEST_HOME: home,
    ORDERS_TEST_BUNDLE: join(scratch, 'workflows.js'),
  });
}
