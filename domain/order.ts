/** The seven columns, in wire and lake order. */
export const COLUMNS = [
  'order_id',
  'customer_name',
  'restaurant_name',
  'item',
  'amount',
  'order_status',
  'created_at',
] as const;

/** One order as it was read from a message; `null` where the message has null or lacks the field. */
export interface Order {
  orderId: bigint | null;
  customerName: string | null;
  restaurantName: string | null;
  item: string | null;
  /** Hundredths, a whole number: 19.99 is 1999. DECIMAL(10,2) keeps it below 10^10, so it is exact. */
  amountHundredths: number | null;
  orderStatus: string | null;
  /** Microseconds since 1970-01-01T00:00:00Z. */
  createdAtMicros: bigint | null;
}

/** Why a message did not become a row of the lake: the six rules, then what cannot be read at all. */
export const FAILURES = {
  order_id_null: 'order_id is null',
  amount_not_positive: 'amount is null or not above 0',
  customer_name_empty: 'customer_name is null or empty after trimming',
  restaurant_name_empty: 'restaurant_name is null or empty after trimming',
  item_empty: 'item is null or empty after trimming',
  order_status_empty: 'order_status is null or empty after trimming',
  malformed_json: 'the value is missing, not UTF-8 or not a JSON object',
  order_id_unreadable: 'order_id is not a whole number of 64 bits',
  amount_unreadable: 'amount is not a number that DECIMAL(10,2) holds exactly',
  text_unreadable: 'a text column holds something other than text',
  created_at_missing: 'created_at is null or absent',
  created_at_unreadable: 'created_at is not a timestamp with at most six decimals',
  row_oversized: 'the row was larger than the topic takes; the file that the message names holds it whole',
} as const;

export type FailureCode = keyof typeof FAILURES;

/** Raised whenever a rule changes what it accepts; recorded in every ledger entry. */
export const RULE_SET_VERSION = 1;
