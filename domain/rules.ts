import type { FailureCode, Order } from './order';

/**
 * The six rules of the lake, all checked; the codes of those broken, in the rules' order.
 * Raise `RULE_SET_VERSION` with any change of what is accepted here.
 */
export function brokenRules(order: Order): FailureCode[] {
  const broken: FailureCode[] = [];
  if (order.orderId === null) broken.push('order_id_null');
  if (order.amountHundredths === null || order.amountHundredths <= 0) broken.push('amount_not_positive');
  if (isBlank(order.customerName)) broken.push('customer_name_empty');
  if (isBlank(order.restaurantName)) broken.push('restaurant_name_empty');
  if (isBlank(order.item)) broken.push('item_empty');
  if (isBlank(order.orderStatus)) broken.push('order_status_empty');
  return broken;
}

/** Null, empty, or only what JavaScript's trim removes (all Unicode white space, line ends and U+FEFF). */
function isBlank(text: string | null): boolean {
  return text === null || text.trim() === '';
}
