import { ORDERS } from '../domain/table/orders';
import { createJudge } from './judge';

/** {@link createJudge} for the orders table. */
export const judge = createJudge(ORDERS);
export type { Verdict } from './judge';
