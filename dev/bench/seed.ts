import type { Pool } from 'pg';
import { ORDERS_TABLE } from '../stack/fresh-pipeline';

/**
 * Fills the orders table with `rows` orders over three days up to the present, one in a hundred breaking a rule.
 * Made in the server by arithmetic on the row number, so that every run measures the same data.
 */
export async function seed(pool: Pool, rows: number): Promise<void> {
  await pool.query(
    `INSERT INTO ${ORDERS_TABLE} (customer_name, restaurant_name, item, amount, order_status, created_at)
     SELECT CASE WHEN i % 600 = 0 THEN '' ELSE (ARRAY['Aarav','Diya','Ishaan','Meera','Rohan','Priya','Kabir','Sara','Nisha','Dev','Tara','Alice','Omar','Lena','Marco','Yuki','Chen','Zoë','Anaïs','Łukasz'])[1 + i * 7 % 20]
                 || ' ' || (ARRAY['Sharma','Patel','Iyer','Khan','Singh','Das','Reddy','Gupta','Nair','Bose','Smith','Costa','Meyer','Okafor','Tanaka','Rossi','Novak','Silva','Lee','Kaur'])[1 + i * 13 / 20 % 20] END,
            CASE WHEN i % 600 = 100 THEN NULL ELSE (ARRAY['Spice Garden','Tandoor House','Green Bowl','Pizza Piazza','Wok Republic','Dosa Corner','The Burger Lab','Sushi Dori','Taco Verde','Biryani Bazaar','Noodle Yard','Café Ünïque'])[1 + i * 5 % 12] END,
            CASE WHEN i % 600 = 200 THEN '  ' ELSE (ARRAY['Butter Chicken','Masala Dosa','Margherita Pizza','Paneer Tikka','Veg Biryani','Ramen','Cheeseburger','Caesar Salad','Pad Thai','Falafel Wrap','Gulab Jamun','Fish & Chips','Idli "Sambar" Combo','Chole Bhature'])[1 + i * 11 % 14] END,
            CASE WHEN i % 600 = 300 THEN 0 WHEN i % 600 = 400 THEN -5.50 ELSE (50 + i * 7919 % 145000 / 100.0)::numeric(10,2) END,
            CASE WHEN i % 600 = 500 THEN '' ELSE (ARRAY['PLACED','PREPARING','DELIVERED','DELIVERED','CANCELLED'])[1 + i * 3 % 5] END,
            (now() AT TIME ZONE 'UTC') - interval '1 minute' - ($1 - i) * (interval '3 days' / $1)
       FROM generate_series(1::bigint, $1::bigint) AS i`,
    [rows],
  );
  await pool.query(`VACUUM ANALYZE ${ORDERS_TABLE}`);
}
