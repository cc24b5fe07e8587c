import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Home } from '../home';
import { findExecutable } from '../system/find-executable';
import { StackError, type S3Addresses } from '../types';
import { versions } from '../versions';
import type { ServerDefinition } from './definition';
import { installS3 } from './s3-executable';

const BUCKET = 'orders';
const ACCESS_KEY = 'orders';

/** An S3 server, for a lake in a bucket: not needed by one in a directory. */
export const s3: ServerDefinition = {
  name: 's3',
  ports: ['s3'],
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 20_000,

  missingTools() {
    if (findExecutable('go') !== undefined) return [];
    const install = 'Go 1.25 or newer, to build it once; or give a bucket of yours as LAKE_PATH';
    return [{ name: 'go', neededFor: `the S3 server versitygw ${versions.versitygw}`, install }];
  },

  async prepare({ home, onProgress }) {
    const command = await installS3(home.logFile('s3-build'), onProgress);
    const directory = join(home.directory, 's3');
    mkdirSync(directory, { recursive: true });
    const secret = home.get('s3').secret ?? randomBytes(18).toString('base64url');
    home.update('s3', { dataDirectory: directory, secret });
    return {
      command,
      args: [`127.0.0.1:${home.get('s3').ports['s3']}`, directory],
      cwd: directory,
      env: { ROOT_ACCESS_KEY: ACCESS_KEY, ROOT_SECRET_KEY: secret },
    };
  },

  async request({ home }) {
    const { ListBucketsCommand } = await import('@aws-sdk/client-s3');
    await withClient(home, (client) => client.send(new ListBucketsCommand({})));
  },

  async whenRunning({ home }) {
    const { CreateBucketCommand, BucketAlreadyOwnedByYou } = await import('@aws-sdk/client-s3');
    await withClient(home, async (client) => {
      await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch((error: unknown) => {
        if (!(error instanceof BucketAlreadyOwnedByYou)) throw error;
      });
    });
  },

  remedy: (log) =>
    log.includes('extended attributes')
      ? 'Keep the stack on a file system that has them, such as ext4 or xfs: npm run stack -- up --s3 --home <directory>'
      : undefined,
};

/** `undefined` where it was never started. */
export function s3Addresses(home: Home): S3Addresses | undefined {
  const { ports, secret } = home.get('s3');
  if (ports['s3'] === undefined || secret === undefined) return undefined;
  return {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${ports['s3']}`,
    AWS_ACCESS_KEY_ID: ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY: secret,
    AWS_REGION: 'us-east-1',
    LAKE_PATH: `s3://${BUCKET}/lake`,
  };
}

async function withClient<T>(home: Home, use: (client: S3Client) => Promise<T>): Promise<T> {
  const addresses = s3Addresses(home);
  if (addresses === undefined) throw new StackError('The S3 server has no address yet.');
  const { S3Client } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: addresses.AWS_ENDPOINT_URL_S3,
    region: addresses.AWS_REGION,
    credentials: {
      accessKeyId: addresses.AWS_ACCESS_KEY_ID,
      secretAccessKey: addresses.AWS_SECRET_ACCESS_KEY,
    },
    forcePathStyle: true,
    maxAttempts: 1,
  });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}
