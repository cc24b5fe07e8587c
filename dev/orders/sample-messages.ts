import type { IncomingMessage } from '../../ports';
import { formatTimestamp } from '../../domain/watermark';
import { sampleOrder } from './sample-order';

/** How a sample is laid out; every field has a default fit for a benchmark. */
export interface SampleOptions {
  rows: number;
  /** Days over which created_at rises, ending 2025-11-20. */
  days?: number;
  partitions?: number;
  /** One row in so many breaks a rule; 0 for none. */
  badEvery?: number;
}

/**
 * Realistic messages in the wire format: rows rising in (created_at, order_id), spread over the partitions by
 * order_id as a keyed topic would, one partition after another in chunks as a fetch delivers them. Repeatable.
 */
export function sampleMessages(options: SampleOptions): IncomingMessage[] {
  const { rows, days = 3, partitions = 3, badEvery = 100 } = options;
  const end = 1_763_683_199_999_900n;
  const step = BigInt(Math.max(1, Math.floor((days * 86_400_000_000) / rows)));
  const queues: IncomingMessage[][] = Array.from({ length: partitions }, () => []);
  for (let i = 1; i <= rows; i++) {
    const h = Number((BigInt(i) * 2_654_435_761n) % 4_294_967_296n);
    const micros = end - BigInt(rows - i) * step - BigInt(h % 997);
    const order = sampleOrder(i, { badEvery });
    const text =
      `{"order_id":${i},"customer_name":${JSON.stringify(order.customerName)},` +
      `"restaurant_name":${JSON.stringify(order.restaurantName)},"item":${JSON.stringify(order.item)},` +
      `"amount":${order.amount},"order_status":${JSON.stringify(order.orderStatus)},"created_at":"${formatTimestamp(micros)}"}`;
    const queue = queues[h % partitions] as IncomingMessage[];
    queue.push({
      partition: h % partitions,
      offset: BigInt(queue.length),
      timestampMillis: Number(micros / 1000n),
      key: Buffer.from(String(i)),
      value: Buffer.from(text),
    });
  }
  return interleave(queues, 2000);
}

/** One array out of several, taking a chunk of each in turn. */
export function interleave<T>(queues: readonly (readonly T[])[], chunk: number): T[] {
  const out: T[] = [];
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  for (let at = 0; at < longest; at += chunk) {
    for (const queue of queues) for (const item of queue.slice(at, at + chunk)) out.push(item);
  }
  return out;
}
