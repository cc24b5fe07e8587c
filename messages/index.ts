import { ORDERS } from '../domain/table/orders';
import { createValidator } from './validate';

/** {@link createValidator} for the orders table. */
export const validate = createValidator(ORDERS);
export type { ValidationResult } from './validate';
