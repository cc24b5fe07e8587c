import type { Expected } from '../oracle';

/** What the faults of a run did on purpose, and the check has to know. */
export class Declared {
  /** Orders in the topic that are in no table, by order_id. */
  readonly foreign = new Set<string>();
  /** Those of which nobody knows whether they got there: their producer heard no answer. */
  readonly perhaps = new Set<string>();
  /** Messages in the topic that have no order_id. */
  foreignWithoutId = 0;
  perhapsWithoutId = 0;
  /** Orders were published or read again, or others sent messages or set times: topic and table are not alike. */
  repeats = false;
  #nextId = 7_000_000_000;

  /** An order_id that no table gives out. */
  newId(): string {
    return String(this.#nextId++);
  }

  expected(): Expected {
    const { foreign, perhaps, foreignWithoutId, perhapsWithoutId } = this;
    return { foreign: [...foreign], perhaps: [...perhaps], foreignWithoutId, perhapsWithoutId };
  }
}
