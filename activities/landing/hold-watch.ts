import type { OpenTransaction } from '../../domain/open-transaction';
import type { Offsets } from '../../domain/ranges';
import { REMEMBERED } from '../../domain/requests';
import type { OrdersTopic } from '../../ports';

/** A transaction of the capture is open for a second or two; one that lasts longer is told. */
const TIMEOUT_MS = 5_000;

interface Stuck {
  stable: string;
  /** Milliseconds since 1970. */
  since: number;
  heldBy?: OpenTransaction;
}

/** Notices partitions whose end readers do not get to see, and who keeps them from it. One for all claims of a worker. */
export class HoldWatch {
  readonly #stuck = new Map<string, Stuck>();

  constructor(private readonly topic: OrdersTopic) {}

  /** @param known what an earlier claim, perhaps of another worker, told; it stays while nothing has moved */
  async look(
    { stable, high }: { stable: Offsets; high: Offsets },
    known: readonly OpenTransaction[],
  ): Promise<OpenTransaction[]> {
    const now = Date.now();
    for (const partition of Object.keys(stable)) {
      const at = stable[partition]!;
      if (BigInt(high[partition] ?? at) <= BigInt(at)) this.#stuck.delete(partition);
      else if (this.#stuck.get(partition)?.stable !== at) {
        const heldBy = known.find((one) => String(one.partition) === partition && one.offset === at);
        this.#stuck.set(partition, { stable: at, since: now, heldBy });
      }
    }
    await this.#describe(
      [...this.#stuck].filter(([, one]) => one.heldBy === undefined && now - one.since > TIMEOUT_MS),
    );
    return [...this.#stuck.values()]
      .flatMap(({ heldBy }) => (heldBy === undefined ? [] : [heldBy]))
      .sort((a, b) => a.partition - b.partition)
      .slice(0, REMEMBERED);
  }

  async #describe(stuck: readonly [partition: string, one: Stuck][]): Promise<void> {
    if (stuck.length === 0) return;
    const places = stuck.map(([partition, { stable }]) => ({
      partition: Number(partition),
      offset: BigInt(stable),
    }));
    // Who it is only helps the reader of a status: what can be read lands without it.
    const found = await this.topic.openTransactions(places).catch(() => []);
    for (const [partition, one] of stuck) {
      const heldBy = found.find((transaction) => String(transaction.partition) === partition);
      if (heldBy !== undefined) one.heldBy = heldBy;
      else one.since = Date.now(); // asked again after as long
    }
  }
}
