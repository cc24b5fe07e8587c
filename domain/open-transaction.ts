/** A transaction of another producer of the topic that is not ended: readers get no further than its first message. */
export interface OpenTransaction {
  partition: number;
  /** Of its first message. */
  offset: string;
  /** For a person: `transactional.id importer, producer id 4711`. */
  who: string;
  /** ISO 8601: when it began, or else when it last wrote; absent where the brokers do not say. */
  since?: string;
  /** Milliseconds after which its coordinator ends it by itself; absent where nobody will. */
  timeoutMs?: number;
  /** The command that ends it on this partition. */
  abort: string;
}

/** Says what is wrong and what to do. */
export function describeOpenTransaction(transaction: OpenTransaction): string {
  const { partition, offset, who, since, timeoutMs, abort } = transaction;
  const itself = timeoutMs === undefined ? '' : ` Kafka ends it after ${timeoutMs / 1_000} s.`;
  return (
    `partition ${partition} cannot be read from offset ${offset} on: a transaction of another producer is open` +
    `${since === undefined ? '' : ` since ${since}`} (${who}).${itself} Have that program commit or abort it. If it is gone: ${abort}`
  );
}

/** Whether two lists are of the same transactions: only then there is no news. */
export function areSameTransactions(a: readonly OpenTransaction[], b: readonly OpenTransaction[]): boolean {
  const places = (list: readonly OpenTransaction[]) =>
    list.map(({ partition, offset }) => `${partition} ${offset}`).join();
  return places(a) === places(b);
}
