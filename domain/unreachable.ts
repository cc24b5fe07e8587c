import type { Gap } from './gaps';
import { WORKFLOWS } from './names';
import { ORDERS } from './table/orders';

/** Why capture does not reach a row. The first two have a place in time and were passed over on purpose. */
export type UnreachableKind =
  | 'before the start'
  | 'passed over'
  | 'in the future'
  | 'without created_at'
  | 'infinity'
  | '-infinity'
  | 'before year 1'
  | 'after year 9999';

/** Rows of one kind that are in the table now and that capture does not reach as they are. Each row is of one kind. */
export interface Unreachable {
  kind: UnreachableKind;
  rows: number;
  /** There are more: counting ends at {@link MOST_COUNTED}. */
  more?: true;
  /** First and last created_at of those counted; null for kinds without a time. */
  from: string | null;
  to: string | null;
  /** Some of their order_ids. */
  examples: string[];
  /** SQL that gives them a place; absent for rows that a reset brings. */
  mend?: string;
  /** Of rows that were passed over: what said so. */
  detail?: string;
}

/** Counting more would cost more than it tells. */
export const MOST_COUNTED = 10_000;

/** Rows with a created_at further ahead of the database's clock are told; nearer ones are captured before the next look. */
export const AHEAD_MS = 10_000;

/** What was asked for, and so is no trouble. */
export function isOnPurpose({ kind }: Pick<Unreachable, 'kind'>): boolean {
  return kind === 'before the start' || kind === 'passed over';
}

export function kindOf({ because }: Gap): UnreachableKind {
  return because === 'start' ? 'before the start' : 'passed over';
}

/** The same kinds with the same numbers; which rows they are may have changed. */
export function sameCounts(a: readonly Unreachable[], b: readonly Unreachable[]): boolean {
  const text = (all: readonly Unreachable[]) => all.map(({ kind, rows }) => `${kind} ${rows}`).join();
  return text(a) === text(b);
}

/** Brings what is not captured and lies after a moment. */
export function resetCommand(createdAt: string): string {
  return `temporal workflow signal --workflow-id ${WORKFLOWS.captureOrders.id} --name resetWatermark --input '{"createdAt":"${createdAt}"}'`;
}

/** What was found, and what to do about it, for a person. */
export function describeUnreachable(found: Unreachable): { found: string; toDo: string } {
  const { kind, from, to, examples, detail = '' } = found;
  const rows = `${found.more === true ? 'more than ' : ''}${found.rows} ${found.rows === 1 ? 'row' : 'rows'}`;
  const lies = found.rows === 1 && found.more !== true ? 'lies' : 'lie';
  const some = examples.length === 0 ? '' : `, such as ${ORDERS.key.name} ${examples.join(', ')}`;
  const period = from === null ? '' : from === to || to === null ? ` (${from})` : ` (${from} to ${to})`;
  const mend = found.mend === undefined ? '' : `give them a time at which they are captured: ${found.mend};`;
  switch (kind) {
    case 'before the start':
    case 'passed over':
      return {
        found: `${rows} ${lies} ${kind === 'passed over' ? `where capture passed over, by the ${detail}` : `before the start, given by the ${detail}`}${period}${some}`,
        toDo: `not captured, as was asked for; ${resetCommand(from ?? '')} brings them, and what landed before is not landed twice`,
      };
    case 'in the future':
      return {
        found: `${rows} ${lies} in the future, from ${from}${to === from ? '' : ` to ${to}`}${some}`,
        toDo: `captured when their time has come. Is postgres.timezone right, and the TimeZone of the sessions that insert? Else ${mend}`,
      };
    case 'without created_at':
      return {
        found: `${rows} without a ${ORDERS.position.name}${some}`,
        toDo: `not captured; ${mend} then make the column NOT NULL`,
      };
    case 'infinity':
    case '-infinity':
      return { found: `${rows} with ${ORDERS.position.name} ${kind}${some}`, toDo: `not captured; ${mend}` };
    case 'before year 1':
    case 'after year 9999':
      return {
        found: `${rows} with a ${ORDERS.position.name} ${kind}${period}${some}`,
        toDo: `not captured, as topic and lake have the years 1 to 9999; ${mend}`,
      };
  }
}
