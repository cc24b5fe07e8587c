import { randomUUID } from 'node:crypto';
import type { S3Addresses } from '../../dev/stack';

/** A place of this suite's own in the bucket of the S3 server that the global set-up started, and how it is reached. */
export function freshS3(endpoint?: string) {
  const text = process.env['ORDERS_TEST_S3'];
  if (text === undefined) throw new Error('the servers are started by jest’s global set-up');
  const { AWS_ENDPOINT_URL_S3, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, LAKE_PATH } = JSON.parse(
    text,
  ) as S3Addresses;
  // Credentials come by the client's own chain.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY });
  const s3 = { endpoint: endpoint ?? AWS_ENDPOINT_URL_S3, region: AWS_REGION, force_path_style: true };
  return { path: `${LAKE_PATH}-${randomUUID()}`, s3 };
}
