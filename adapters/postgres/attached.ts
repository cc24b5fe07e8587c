/**
 * Partitions and children that join the table with rows of before. Their ids may be below a baseline's and their places behind
 * it, so that no count tells those that were captured, when they were in the table before, from those that never were.
 */
import { escapeLiteral } from 'pg';
import type { Baseline } from '../../domain/missed';
import { relativesSql } from './relatives';
import { keyOf, upTo, type TableShape } from './sql';

export interface Attached {
  /** Quoted, with its schema. */
  name: string;
  /** A role may read a table and not its partitions by name. */
  may_read: boolean;
  empty: boolean;
}

/** The catalogue keeps which transaction attached it; the counter has 32 bits there. */
export function attachedSql({ name }: TableShape, since: string | undefined): string {
  if (since === undefined) return `'[]'::json`;
  const xid = BigInt.asUintN(32, BigInt(since));
  return `(
    SELECT coalesce(json_agg(json_build_object(
             'name', format('%I.%I', n.nspname, c.relname),
             'may_read', has_table_privilege(c.oid, 'SELECT'), 'empty', c.relkind = 'r' AND pg_relation_size(c.oid) = 0)), '[]')
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE i.inhrelid IN ${relativesSql(escapeLiteral(name))} AND age(i.xmin) BETWEEN 0 AND age('${xid}'::xid))`;
}

/** Those with a row that the baseline does not see: a new partition has none. One statement, which `query` may bound. */
export async function withOldRows(
  query: (text: string) => Promise<{ name: string }[]>,
  shape: TableShape,
  attached: readonly Attached[],
  baseline: Baseline | undefined,
): Promise<string[]> {
  if (baseline === undefined) return [];
  const readable = attached.filter((one) => one.may_read);
  const filled = attached.filter((one) => !one.may_read && !one.empty);
  const where = `${keyOf(shape)} <= ${BigInt(baseline.orderId)} AND ${upTo(shape, baseline.watermark)}`;
  const looks = readable.map(
    ({ name }) => `SELECT ${escapeLiteral(name)} AS name WHERE EXISTS (SELECT FROM ${name} t WHERE ${where})`,
  );
  const old = looks.length === 0 ? [] : await query(looks.join(' UNION ALL '));
  return [...filled, ...old].map(({ name }) => name);
}
