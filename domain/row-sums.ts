/** What source, topic and lake are compared by, each added up where its rows are. */

/** Bounds of the position as UTC text; `to` is exclusive. */
export interface Period {
  from: string;
  to: string;
}

/** Rows, their totals and their hashes, added up. Two sets of rows that are equal have equal sums, and hardly any others. */
export interface Sums {
  rows: number;
  /** Unscaled: hundredths where the column has two decimals. */
  total: bigint;
  /** Modulo 2^64. */
  hash: bigint;
}

export const NOTHING: Sums = { rows: 0, total: 0n, hash: 0n };

/** By `2025-11-18` or `2025-11-18T10`, in UTC. */
export type SumsBy = Map<string, Sums>;

export function plus(a: Sums, b: Sums): Sums {
  return {
    rows: a.rows + b.rows,
    total: a.total + b.total,
    hash: BigInt.asUintN(64, a.hash + b.hash),
  };
}

export function same(a: Sums, b: Sums): boolean {
  return a.rows === b.rows && a.total === b.total && a.hash === b.hash;
}

/** Adds a row of a statement: key, count, total and hash, the last three as text of whole numbers. */
export function addTo(sums: SumsBy, row: readonly unknown[]): void {
  const [key, rows, added, hash] = row.map(String) as [string, string, string, string];
  const more = { rows: Number(rows), total: BigInt(added), hash: BigInt.asUintN(64, BigInt(hash)) };
  sums.set(key, plus(sums.get(key) ?? NOTHING, more));
}

export function total(sums: SumsBy): Sums {
  return [...sums.values()].reduce(plus, NOTHING);
}

export type Unit = 'day' | 'hour';

/** Characters of an ISO timestamp that name its day or hour. */
export const UNIT_LENGTH = { day: 10, hour: 13 } as const;
