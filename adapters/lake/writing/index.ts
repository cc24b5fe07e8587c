/** The door for the landing, and for capture's oversized rows: what is written to a lake. */
export { createOrdersLake } from './orders-lake';
export { createOversizedRows } from './oversized-rows';
