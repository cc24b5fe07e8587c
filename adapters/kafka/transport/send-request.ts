import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/types';
import { NonRetryableError } from '../../../domain/errors';

/** As much of a broker as a request needs. */
export type Receiver = Pick<Broker, 'versions' | 'connectionPool'>;

/** Sends a request that this adapter encodes itself. */
export async function send<T extends object>(
  broker: Receiver,
  call: { apiKey: number; apiVersion: number; apiName: string; requestTimeout?: number },
  body: Buffer,
  decode: (payload: Buffer) => T,
): Promise<T> {
  const { apiKey, apiVersion, apiName, requestTimeout } = call;
  const offered = broker.versions[apiKey];
  if (offered === undefined || apiVersion < offered.minVersion || apiVersion > offered.maxVersion) {
    throw new NonRetryableError(
      'InvalidSettings',
      `the broker does not offer ${apiName} version ${apiVersion}: Kafka 2.5 or newer is needed`,
    );
  }
  const request: ProtocolRequest<T> = {
    request: { apiKey, apiVersion, apiName, encode: () => Promise.resolve({ buf: body, buffer: body }) },
    response: {
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: (decoded) => Promise.resolve(decoded),
    },
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  };
  return broker.connectionPool.send(request);
}
