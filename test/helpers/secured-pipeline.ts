import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { freshPipeline } from '../../dev/stack/fresh-pipeline';
import { newAuthority, writeCertificates, type Authority } from './certificates';
import { freshNamespace, servers, type FreshPipeline } from './pipeline';
import { ordersCli } from './processes';
import { exampleEnvironment, exampleGrants, exampleRights, exampleSettings } from './secured-example';
import * as secured from './secured-servers';
import { tlsFront, type TlsFront } from './tls-front';

export const LOCAL = '127.0.0.1';
export const TOPIC = '2025em1100102_food_orders_raw';
export const API_KEY = 'key-of-a-test';
export const needed = exampleRights.filter(({ optional }) => !optional);

export interface SecuredPipeline {
  /** The directory of certificates and keys, and that of those whom nobody trusts. */
  keys: string;
  strangersKeys: string;
  authority: Authority;
  stranger: Authority;
  stack: secured.SecuredServers;
  temporal: TlsFront;
  /** What the CLI says to a server that it does not trust. */
  strangersCli: Promise<unknown>;
  pipeline: FreshPipeline;
  client: Client;
  dispose(): Promise<void>;
}

/** The pipeline of the documentation's example: TLS everywhere, passwords, and no right but those that are needed. */
export async function securedPipeline(): Promise<SecuredPipeline> {
  const ends: (() => Promise<unknown> | void)[] = [];
  const dispose = async () => {
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    const keys = mkdtempSync(join(tmpdir(), 'orders-stream-keys-'));
    ends.push(() => rmSync(keys, { recursive: true }));
    const authority = await newAuthority();
    writeCertificates(keys, authority, await authority.issue(LOCAL));
    const stranger = await newAuthority();
    const strangersKeys = join(keys, 'stranger');
    mkdirSync(strangersKeys);
    writeCertificates(strangersKeys, stranger, await stranger.issue(LOCAL));

    const certificate = await authority.issue(LOCAL);
    const temporal = await tlsFront(servers().TEMPORAL_ADDRESS, { authority, certificate, apiKey: API_KEY });
    ends.push(() => temporal.close());
    const env = { ...exampleEnvironment(strangersKeys), TEMPORAL_ADDRESS: temporal.address };
    // Takes the ten seconds after which gRPC gives up, while the servers start.
    const strangersCli: Promise<unknown> = ordersCli({ env }, 'status').catch((error: unknown) => error);
    const stack = await secured.securedServers(keys, authority, certificate);
    ends.push(() => stack.destroy());

    const example = exampleSettings(keys, secured.PASSWORD);
    const fresh = await freshPipeline(stack.addresses, {
      postgres: { user: secured.POSTGRES_ROLE, password: secured.PASSWORD, ...example.postgres },
      kafka: {
        brokers: [stack.brokers],
        topic: TOPIC,
        consumer_group: 'food_orders_consumer_group',
        ...example.kafka,
      },
    });
    ends.push(() => fresh.dispose());
    const temporalEnv = { ...exampleEnvironment(keys), TEMPORAL_API_KEY: API_KEY };
    const pipeline: FreshPipeline = {
      ...fresh,
      env: { ...fresh.env, ...temporalEnv, TEMPORAL_ADDRESS: temporal.address },
    };
    for (const grant of exampleGrants) await pipeline.pool.query(grant);
    for (const right of needed) await stack.grant(right);
    const namespace = await freshNamespace(pipeline.name, { searchAttributes: true });
    ends.push(namespace.close);
    return {
      keys,
      strangersKeys,
      authority,
      stranger,
      stack,
      temporal,
      strangersCli,
      pipeline,
      client: namespace.client,
      dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}
