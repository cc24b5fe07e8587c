/** The table of the replaced pipeline, as SQL. */
export const ORDERS_TABLE = '"2025em1100102_orders"';

/** The table of orders, and the index that capture asks for. `name` is quoted. */
export const createOrdersTable = (name: string) => `
  CREATE TABLE ${name} (
    order_id SERIAL PRIMARY KEY,
    customer_name VARCHAR(255),
    restaurant_name VARCHAR(255),
    item VARCHAR(255),
    amount NUMERIC(10,2),
    order_status VARCHAR(50),
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
  );
  CREATE INDEX ON ${name} (created_at, order_id)`;
