import { defineTable } from './table';

/** The orders table. The only place of the product that names its columns: see test/unit/one-description.test.ts. */
export const ORDERS = defineTable({
  columns: [
    { name: 'order_id', type: 'bigint', fieldId: 1 },
    { name: 'customer_name', type: 'text', fieldId: 2 },
    { name: 'restaurant_name', type: 'text', fieldId: 3 },
    { name: 'item', type: 'text', fieldId: 4 },
    { name: 'amount', type: 'decimal', precision: 10, scale: 2, fieldId: 5 },
    { name: 'order_status', type: 'text', short: true, fieldId: 6 },
    { name: 'created_at', type: 'timestamptz', fieldId: 7 },
  ],
  key: 'order_id',
  position: 'created_at',
  total: 'amount',
  rules: [
    { column: 'order_id', must: 'be not null' },
    { column: 'amount', must: 'be above 0' },
    { column: 'customer_name', must: 'be not blank' },
    { column: 'restaurant_name', must: 'be not blank' },
    { column: 'item', must: 'be not blank' },
    { column: 'order_status', must: 'be not blank' },
  ],
  ruleSetVersion: 1,
  ownFieldIds: 8,
});
