/** `undefined` for an empty list: what is absent takes no room in history and in the ledger. */
export function orNone<T>(list: T[] = []): T[] | undefined {
  return list.length === 0 ? undefined : list;
}
