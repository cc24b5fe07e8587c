import { setTimeout as sleep } from 'node:timers/promises';
import { accepts } from '../system/ports';

/** No such group exists; asking for it makes the broker set up its group coordinator. */
const probe = 'orders-stream-stack-probe';

/**
 * Asks a broker for its metadata and for a group that does not exist, so that when it succeeds the first user
 * need not wait for the coordinator.
 */
export async function requestKafka(brokers: string): Promise<void> {
  const [host = '', port = ''] = brokers.split(':');
  // kafkajs is slow to load and to give up: leave it out while nothing listens.
  if (!(await accepts(host, Number(port)))) throw new Error(`${brokers} does not accept connections`);
  const { Kafka, logLevel } = await import('kafkajs');
  await import('../../../adapters/kafka/transport/request-timers');
  const client = new Kafka({
    brokers: [brokers],
    clientId: probe,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1000,
    requestTimeout: 5000,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await within(10_000, async () => {
      await admin.connect();
      const { brokers: known } = await admin.describeCluster();
      if (known.length === 0) throw new Error('the cluster has no broker yet');
      await admin.describeGroups([probe]); // throws if the group coordinator answers with an error
    });
  } finally {
    await within(1000, () => admin.disconnect()).catch(() => undefined);
  }
}

async function within<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const timeout = sleep(ms, undefined, { signal: stop.signal, ref: false }).then(() => {
    throw new Error(`no answer within ${ms} ms`);
  });
  try {
    return await Promise.race([work(), timeout]);
  } finally {
    timeout.catch(() => undefined);
    stop.abort();
  }
}
