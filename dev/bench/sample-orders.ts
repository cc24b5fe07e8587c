import type { IncomingMessage } from '../../ports';
import { formatTimestamp } from '../../domain/watermark';

const FIRST =
  'Aarav Vivaan Diya Ananya Ishaan Meera Rohan Priya Kabir Sara Arjun Nisha Dev Tara Alice Omar Lena Marco Yuki Chen'.split(
    ' ',
  );
const LAST =
  'Sharma Patel Iyer Khan Singh Das Reddy Gupta Nair Bose Smith Costa Meyer Okafor Tanaka Rossi Novak Silva Lee Kaur'.split(
    ' ',
  );
const RESTAURANTS =
  'Spice Garden,Tandoor House,Green Bowl,Pizza Piazza,Wok Republic,Dosa Corner,The Burger Lab,Sushi Dori,Taco Verde,Biryani Bazaar,Noodle Yard,Café Ünïque'.split(
    ',',
  );
const ITEMS =
  'Butter Chicken,Masala Dosa,Margherita Pizza,Paneer Tikka,Veg Biryani,Ramen,Cheeseburger,Caesar Salad,Pad Thai,Falafel Wrap,Gulab Jamun,Fish & Chips,Idli "Sambar" Combo,Chole Bhature'.split(
    ',',
  );
const STATUSES = ['PLACED', 'PREPARING', 'PICKED_UP', 'DELIVERED', 'DELIVERED', 'DELIVERED', 'CANCELLED'];

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
    const bad = badEvery > 0 && i % badEvery === 0;
    const customer = bad ? '' : `${pick(FIRST, h)} ${pick(LAST, h / 64)}`;
    const cents = 5000 + (h % 14_500_000);
    const text =
      `{"order_id":${i},"customer_name":${JSON.stringify(customer)},` +
      `"restaurant_name":${JSON.stringify(pick(RESTAURANTS, h / 512))},` +
      `"item":${JSON.stringify(pick(ITEMS, h / 4096))},` +
      `"amount":${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')},` +
      `"order_status":"${pick(STATUSES, h / 32768)}","created_at":"${formatTimestamp(micros)}"}`;
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

function pick(values: readonly string[], seed: number): string {
  return values[Math.floor(seed) % values.length] as string;
}
