/** Changes that need not disturb anybody. */
import { worldTest } from './cases';

const TABLE = '"2025em1100102_orders"';

worldTest([
  {
    what: 'a column is added',
    change: ({ pipeline }, n) => pipeline.pool.query(`ALTER TABLE ${TABLE} ADD COLUMN note_${n} text`),
  },
]);
