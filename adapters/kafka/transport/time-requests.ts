import { performance } from 'node:perf_hooks';
import type { Broker } from 'kafkajs/src/cluster/types';
import type { Metrics } from '../../../ports';

const timed = new WeakSet<object>();

/**
 * Times each request to a broker from now on, kafkajs's own included. An answer that refuses is an answer: while the last
 * transaction ends, coordinators give several.
 */
export function timeRequests(pool: Broker['connectionPool'], metrics: Metrics): void {
  if (timed.has(pool)) return;
  timed.add(pool);
  const send = pool.send.bind(pool);
  pool.send = async (request) => {
    const begin = performance.now();
    const end = (outcome: 'ok' | 'error') => {
      const labels = { api: request.request.apiName, outcome };
      metrics.observe('orders_kafka_request_seconds', (performance.now() - begin) / 1000, labels);
    };
    try {
      const answer = await send(request);
      end('ok');
      return answer;
    } catch (error) {
      end(isAnswer(error) ? 'ok' : 'error');
      throw error;
    }
  };
}

/** Errors of the protocol carry its word; those of connections do not. */
function isAnswer(error: unknown): boolean {
  return error instanceof Error && 'type' in error && typeof error.type === 'string';
}
