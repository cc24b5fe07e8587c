import { ORDERS } from '../../domain/table/orders';
import { brokenRules as brokenRulesOf } from '../../domain/table/rules';
import { rowOf, type Order } from '../helpers/orders';

const brokenRules = (order: Order) => brokenRulesOf(ORDERS, rowOf(order));

const GOOD: Order = {
  orderId: 1n,
  customerName: 'Alice',
  restaurantName: 'Spice Garden',
  item: 'Butter Chicken',
  amountHundredths: 35_000,
  orderStatus: 'DELIVERED',
  createdAtMicros: 0n,
};

test('a whole order breaks no rule', () => {
  expect(brokenRules(GOOD)).toEqual([]);
});

test.each<[Partial<Order>, string]>([
  [{ orderId: null }, 'order_id_null'],
  [{ amountHundredths: null }, 'amount_not_positive'],
  [{ amountHundredths: 0 }, 'amount_not_positive'],
  [{ amountHundredths: -550 }, 'amount_not_positive'],
  [{ customerName: null }, 'customer_name_empty'],
  [{ customerName: '' }, 'customer_name_empty'],
  [{ restaurantName: '   ' }, 'restaurant_name_empty'],
  [{ item: '\t\n\u2028\u00a0' }, 'item_empty'],
  [{ orderStatus: '' }, 'order_status_empty'],
])('%p breaks %s', (change, code) => {
  expect(brokenRules({ ...GOOD, ...change })).toEqual([code]);
});

test('one hundredth is above 0', () => {
  expect(brokenRules({ ...GOOD, amountHundredths: 1 })).toEqual([]);
});

test('all broken rules are reported, in their order', () => {
  const nothing: Order = {
    orderId: null,
    customerName: null,
    restaurantName: null,
    item: null,
    amountHundredths: null,
    orderStatus: null,
    createdAtMicros: null,
  };
  expect(brokenRules(nothing)).toEqual([
    'order_id_null',
    'amount_not_positive',
    'customer_name_empty',
    'restaurant_name_empty',
    'item_empty',
    'order_status_empty',
  ]);
});
