import type { FailureCode, Order } from '../../domain/order';
import { brokenRules } from '../../domain/rules';
import type { AcceptedRow, IncomingMessage } from '../../ports';
import { readAnyForm } from './read-any-form';
import { scanWire } from './scan-wire';
import type { Columns } from './wire-values';

/** What became of a message: a row of the lake, or every reason against it and the columns that could be read. */
export type Verdict =
  | { accepted: AcceptedRow['order']; order?: never; failures?: never }
  | { accepted?: never; order: Order; failures: readonly FailureCode[] };

/**
 * Reads a message's value and applies the rules. The verdict depends on the value's bytes alone, so every attempt
 * of a batch judges alike. A bad message is a result; nothing is thrown.
 */
export function judge(message: Pick<IncomingMessage, 'value'>): Verdict {
  const { value } = message;
  if (value === null) return MALFORMED;
  const columns = scanWire(value) ?? readAnyForm(value);
  return columns === undefined ? MALFORMED : verdictOn(columns);
}

const MALFORMED: Verdict = {
  order: {
    orderId: null,
    customerName: null,
    restaurantName: null,
    item: null,
    amountHundredths: null,
    orderStatus: null,
    createdAtMicros: null,
  },
  failures: ['malformed_json'],
};

function verdictOn(columns: Columns): Verdict {
  const { orderId, createdAtMicros, customerName, restaurantName, item, amountHundredths, orderStatus } =
    columns;
  const order: Order = {
    orderId: orderId ?? null,
    customerName: customerName ?? null,
    restaurantName: restaurantName ?? null,
    item: item ?? null,
    amountHundredths: amountHundredths ?? null,
    orderStatus: orderStatus ?? null,
    createdAtMicros: createdAtMicros ?? null,
  };
  // Its texts are in a file, so the rules about them have nothing to judge.
  if (columns.oversized === true) return { order, failures: ['row_oversized'] };
  const broken = brokenRules(order);
  if (broken.length === 0 && isComplete(order)) return { accepted: order };

  // What cannot be read is reported as that, not as null too.
  const failures = broken.filter((code) => {
    const column = RULE_COLUMNS[code];
    return column === undefined || columns[column] !== undefined;
  });
  if (orderId === undefined) failures.push('order_id_unreadable');
  if (amountHundredths === undefined) failures.push('amount_unreadable');
  if ([customerName, restaurantName, item, orderStatus].includes(undefined)) failures.push('text_unreadable');
  if (createdAtMicros === null) failures.push('created_at_missing');
  if (createdAtMicros === undefined) failures.push('created_at_unreadable');
  return { order, failures };
}

/** The column that each rule judges. */
const RULE_COLUMNS: Partial<Record<FailureCode, keyof Order>> = {
  order_id_null: 'orderId',
  amount_not_positive: 'amountHundredths',
  customer_name_empty: 'customerName',
  restaurant_name_empty: 'restaurantName',
  item_empty: 'item',
  order_status_empty: 'orderStatus',
};

function isComplete(order: Order): order is AcceptedRow['order'] {
  return order.orderId !== null && order.createdAtMicros !== null;
}
