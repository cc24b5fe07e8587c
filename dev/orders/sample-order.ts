/** Orders as a food delivery would have them: made from a number, so that every run makes the same ones. */

export interface NewOrder {
  customerName: string | null;
  restaurantName: string | null;
  item: string | null;
  /** Decimal text: money never passes through a double. */
  amount: string | null;
  orderStatus: string | null;
}

export const CUSTOMERS = [
  'Aarav Sharma',
  'Diya Patel',
  'Zoë Müller',
  "Sinéad O'Brien",
  'Łukasz Nowak',
  '田中 さくら',
  '王小明',
  'أحمد الحسن',
  'Мария Иванова',
  'José "Pepe" García',
  'Ngọc Nguyễn',
  'Omar Khan',
  'Priya Nair',
  'Freya Ægisdóttir',
  'Kofi Mensah',
  'Elif Yılmaz',
];
export const RESTAURANTS = [
  'Spice Garden',
  'Tandoor House',
  'Pizza Piazza',
  'Café Ünïque',
  'すし処 はる',
  'Taco Verde',
  'Biryani Bazaar',
  'Crêperie d’Or',
];
export const ITEMS = [
  'Butter Chicken',
  'Masala Dosa',
  'Pizza Margherita',
  'Ramen 🍜',
  'Pad Thai',
  'Fish & Chips',
  'Jalapeño Taco',
  'Paneer Tikka',
  'Crème brûlée',
  'Idli "Sambar" Combo',
];
export const STATUSES = ['PLACED', 'PREPARING', 'DELIVERED', 'DELIVERED', 'DELIVERED', 'CANCELLED'];

/** One order in so many breaks a rule. */
const BAD_EVERY = 40;

/**
 * Five of the six rules, each in more than one way, and two at once. The sixth, an order without order_id, no table
 * with a primary key can break: see other-producer.ts.
 */
const BREAKS: readonly Partial<NewOrder>[] = [
  { amount: '0.00' },
  { customerName: '' },
  { restaurantName: '   ' },
  { item: null },
  { orderStatus: '' },
  { amount: '-19.99' },
  { customerName: null },
  { amount: null, item: ' ' },
];

/** The order with this number; one in `badEvery` breaks a rule, with 0 none. */
export function sampleOrder(number: number, { badEvery = BAD_EVERY }: { badEvery?: number } = {}): NewOrder {
  const hash = hashOf(number);
  const cents = 4_900 + (hash % 250_000);
  const good: NewOrder = {
    customerName: pick(CUSTOMERS, hash),
    restaurantName: pick(RESTAURANTS, hash >>> 5),
    item: pick(ITEMS, hash >>> 9),
    amount: `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, '0')}`,
    orderStatus: pick(STATUSES, hash >>> 13),
  };
  return isBad(number, { badEvery }) ? { ...good, ...pick(BREAKS, number / badEvery) } : good;
}

export function isBad(number: number, { badEvery = BAD_EVERY }: { badEvery?: number } = {}): boolean {
  return badEvery > 0 && number % badEvery === 0;
}

/** 32 bits that look random: the finalizer of MurmurHash3. */
export function hashOf(number: number): number {
  let hash = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function pick<T>(values: readonly T[], seed: number): T {
  return values[Math.floor(seed) % values.length] as T;
}
