import type { OrdersTopic, OutgoingMessage, Progress } from '../../ports';
import type { OpenTransaction } from '../../domain/open-transaction';
import type { OffsetRange, Offsets, Window } from '../../domain/ranges';
import { untilAborted, type Connection, ConnectionPool, explain, type KafkaTopicOptions } from './transport';
import { ensureTopic, logBounds, requireTopic, topicId, checkSettings } from './topic';
import { waitForMessages, readRange } from './reader';
import { openTransactions, stableOffsets } from './admin';
import { fetchStableOffset, partitionOf, readProgress, Publisher } from './producer';

export { topicOptions, type KafkaTopicOptions } from './transport';
export { PROGRESS_GROUP } from './producer';

/**
 * The orders topic on real brokers (Kafka 2.5 or newer). Connects when first used and again after an outage;
 * nothing has to be rebuilt. Every error names the brokers and what was being done.
 */
export function createOrdersTopic(options: KafkaTopicOptions): OrdersTopic {
  return new KafkaOrdersTopic(options);
}

class KafkaOrdersTopic implements OrdersTopic {
  readonly #pool: ConnectionPool;
  readonly #publisher: Publisher;

  constructor(private readonly options: KafkaTopicOptions) {
    this.#pool = new ConnectionPool(options);
    this.#publisher = new Publisher(this.#pool, options.topic, options.telemetry.trace);
  }

  get name(): string {
    return this.options.topic;
  }

  async ensure(): Promise<void> {
    await this.#explained('checking the topic', undefined, () => ensureTopic(this.options, this.#pool));
  }

  async check(): Promise<{ warnings: string[] }> {
    return this.#explained('checking the settings', undefined, () =>
      this.#pool.run(undefined, (connection) => checkSettings(connection, this.options)),
    );
  }

  async id(): Promise<string | undefined> {
    return this.#explained('looking up the id', undefined, () => this.#pool.run(undefined, topicId));
  }

  async progress(): Promise<Progress | undefined> {
    return this.#explained('reading the progress record', undefined, () =>
      this.#pool.run(undefined, (connection) => readProgress(connection, undefined)),
    );
  }

  async publish(
    window: Window & { sequence: number },
    rows: () => AsyncIterable<readonly OutgoingMessage[]>,
    options: Parameters<OrdersTopic['publish']>[2],
  ): ReturnType<OrdersTopic['publish']> {
    return this.#explained(`publishing window ${window.sequence}`, options.signal, () =>
      this.#publisher.publish(window, rows, options),
    );
  }

  async renewProgress(sequence: number, options: { signal: AbortSignal }): Promise<void> {
    await this.#explained('renewing the progress record', options.signal, () =>
      this.#publisher.renew(sequence, options.signal),
    );
  }

  async offsets(): ReturnType<OrdersTopic['offsets']> {
    return this.#explained('listing offsets', undefined, () =>
      this.#pool.run(undefined, async (connection) => {
        // First: an old id with new offsets is noticed when they are read, a new id with old offsets never.
        const id = await topicId(connection);
        await connection.catchUp();
        const bounds = await logBounds(connection, connection.partitions);
        const earliest: Offsets = {};
        const stable: Offsets = {};
        const high: Offsets = {};
        for (const [partition, bound] of bounds) {
          earliest[partition] = String(bound.earliest);
          stable[partition] = String(bound.latest);
          high[partition] = String(bound.high);
        }
        return { earliest, stable, high, topicId: id };
      }),
    );
  }

  async openTransactions(places: Parameters<OrdersTopic['openTransactions']>[0]): Promise<OpenTransaction[]> {
    return this.#explained('looking for open transactions', undefined, () =>
      this.#pool.run(undefined, (connection) => openTransactions(connection, this.options, places)),
    );
  }

  stableOffsets({
    signal,
    sinceMillis,
  }: Parameters<OrdersTopic['stableOffsets']>[0]): ReturnType<OrdersTopic['stableOffsets']> {
    return stableOffsets(this.options, signal, sinceMillis);
  }

  async awaitMessages(next: Offsets, options: { maxWaitMs: number; signal: AbortSignal }): Promise<void> {
    const { maxWaitMs, signal } = options;
    await this.#explained('waiting for messages', signal, async () => {
      const { connection, busy } = await this.#pool.hold(signal, async (held) => ({
        connection: held,
        ...(await waitForMessages(held, next, { maxWaitMs, signal })),
      }));
      if (busy) this.#pool.destroy(connection);
      else this.#pool.release(connection);
    });
  }

  async read(
    ranges: readonly OffsetRange[],
    take: Parameters<OrdersTopic['read']>[1],
    { signal: caller, topicId: known }: Parameters<OrdersTopic['read']>[2],
  ): Promise<void> {
    const over = new AbortController();
    const signal = AbortSignal.any([caller, over.signal]);
    const { log, trace } = this.options.telemetry;
    const readAll = async (range: OffsetRange, connection: Connection) => {
      for await (const messages of readRange(connection, range, { signal, log, trace })) {
        signal.throwIfAborted();
        await take(messages, range);
      }
    };
    const doing = 'reading messages';
    const connection = await this.#explained(doing, caller, () =>
      this.#pool.hold(caller, async (held) => {
        await requireTopic(held, known, ranges);
        return held;
      }),
    );
    try {
      // Not tried again on another connection: `take` has seen some of it.
      await this.#explained(doing, caller, async () => {
        await untilAborted(Promise.all(ranges.map((range) => readAll(range, connection))), caller);
        // Once more: what was read came from this topic only if it is still there.
        await untilAborted(requireTopic(connection, known, ranges), caller);
      });
      this.#pool.release(connection);
    } catch (error) {
      // The other ranges end, too; answers are still to come on the connection.
      over.abort(error);
      this.#pool.destroy(connection, (error as Error).cause);
      throw error;
    }
  }

  async groupOffsets(): Promise<Offsets> {
    const group = this.options.consumerGroup;
    const { topic } = this.options;
    return this.#explained(`reading offsets of group ${group}`, undefined, () =>
      this.#pool.run(undefined, async (connection) => {
        const offsets: Offsets = {};
        for (const partition of connection.partitions) {
          const found = await connection.coordinated('group', group, undefined, (coordinator) =>
            fetchStableOffset(coordinator, { group, topic, partition }),
          );
          if (found !== undefined) offsets[partition] = String(found.offset);
        }
        return offsets;
      }),
    );
  }

  async commitGroupOffsets(next: Offsets): Promise<void> {
    const groupId = this.options.consumerGroup;
    const partitions = Object.entries(next).map(([partition, offset]) => ({
      partition: Number(partition),
      offset,
    }));
    await this.#explained(`committing offsets of group ${groupId}`, undefined, () =>
      this.#pool.run(undefined, (connection) =>
        connection.coordinated('group', groupId, undefined, (coordinator) =>
          // Generation -1 and no member: a commit from outside, allowed while the group has no members.
          coordinator.offsetCommit({
            groupId,
            groupGenerationId: -1,
            memberId: '',
            topics: [{ topic: this.options.topic, partitions }],
          }),
        ),
      ),
    );
  }

  partitionOf(key: string, partitions: number): number {
    return partitionOf(Buffer.from(key), partitions);
  }

  close(): Promise<void> {
    this.#pool.close();
    return Promise.resolve();
  }

  async #explained<T>(doing: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason;
      throw explain(error, `${doing} of topic ${this.options.topic}`, this.options);
    }
  }
}
