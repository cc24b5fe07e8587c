/** Orders with names for their values, as tests write and read them. */
import { ORDERS } from '../../domain/table/orders';
import type { FailureCode, Row } from '../../domain/table/table';
import { validate } from '../../messages';
import { anyFormReader } from '../../messages/read-any-form';
import { wireScanner } from '../../messages/scan-wire';

/** One order; `null` where the message has null or lacks the field. */
export interface Order {
  orderId: bigint | null;
  customerName: string | null;
  restaurantName: string | null;
  item: string | null;
  /** Hundredths, a whole number: 19.99 is 1999. */
  amountHundredths: number | null;
  orderStatus: string | null;
  /** Microseconds since 1970-01-01T00:00:00Z. */
  createdAtMicros: bigint | null;
}

export function rowOf(order: Order): Row {
  const { orderId, customerName, restaurantName, item, amountHundredths, orderStatus, createdAtMicros } =
    order;
  return [orderId, customerName, restaurantName, item, amountHundredths, orderStatus, createdAtMicros];
}

export function orderOf(row: Row): Order {
  return named(row) as unknown as Order;
}

/** Values that could not be read stay `undefined`. */
function named(values: readonly unknown[]) {
  const [orderId, customerName, restaurantName, item, amountHundredths, orderStatus, createdAtMicros] =
    values;
  return { orderId, customerName, restaurantName, item, amountHundredths, orderStatus, createdAtMicros };
}

/** What became of a message, by names. */
export type NamedVerdict =
  | { accepted: Order; order?: never; failures?: never }
  | { accepted?: never; order: Order; failures: readonly FailureCode[] };

/** `validate` with names. */
export function validateOrder(message: { value: Buffer | null }): NamedVerdict {
  const { accepted, order, failures } = validate(message);
  return accepted === undefined ? { order: orderOf(order), failures } : { accepted: orderOf(accepted) };
}

const scan = wireScanner(ORDERS);
const read = anyFormReader(ORDERS);

/** The quick way, with names. */
export function scanWire(value: Buffer) {
  const values = scan(value);
  return values === undefined ? undefined : named(values);
}

/** The lenient way, with names. */
export function readAnyForm(value: Buffer) {
  const form = read(value);
  if (form === undefined) return undefined;
  return { ...named(form.values), ...(form.oversized ? { oversized: true } : {}) };
}
