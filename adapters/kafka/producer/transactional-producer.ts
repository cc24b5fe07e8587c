import type { Progress } from '../../../ports';
import { untilAborted, type Connection } from '../transport';
import { produce } from './produce-request';
import { encodeProgress, PROGRESS_GROUP, PROGRESS_PARTITION } from './progress-record';
import { nextSequence, type RecordBatchBuilder } from '../records';

/**
 * The longest that one publish may take: the brokers abort it then. A dead attempt does not wait so long, its
 * successor aborts it at once; so this only bounds how long readers are held back where none comes.
 */
export const TRANSACTION_TIMEOUT_MS = 120_000;

/** The name under which captures of a topic fence each other. */
export const transactionalIdOf = (topic: string): string => `orders-capture-${topic}`;

/** A batch to send to a partition. */
export interface PartitionBatch {
  partition: number;
  batch: RecordBatchBuilder;
}

/**
 * Kafka's transactional producer, over kafkajs's connections. No step is repeated after an unclear outcome: the
 * whole publish is, from the start, by a new producer. So none of the cases arises in which kafkajs resends
 * under a wrong sequence number.
 */
export class TransactionalProducer {
  readonly #sequences = new Map<number, number>();
  readonly #inTransaction = new Set<number>();

  private constructor(
    readonly connection: Connection,
    private readonly id: { transactionalId: string; producerId: string; producerEpoch: number },
  ) {}

  /**
   * Registers under the id, which fences every older producer of it, and returns when their transaction is
   * committed or aborted, in the topic and in the progress group.
   */
  static async open(
    connection: Connection,
    transactionalId: string,
    signal: AbortSignal | undefined,
  ): Promise<TransactionalProducer> {
    const { producerId, producerEpoch } = await connection.coordinated(
      'transaction',
      transactionalId,
      signal,
      (coordinator) =>
        coordinator.initProducerId({ transactionalId, transactionTimeout: TRANSACTION_TIMEOUT_MS }),
    );
    return new TransactionalProducer(connection, { transactionalId, producerId, producerEpoch });
  }

  /** Sends batches, at most one a partition, as part of the transaction; at most one call at a time. */
  async send(batches: readonly PartitionBatch[], signal: AbortSignal | undefined): Promise<void> {
    await this.#join(
      batches.map(({ partition }) => partition),
      signal,
    );
    const timestamp = Date.now();
    const { topic } = this.connection;
    const { transactionalId, producerId, producerEpoch } = this.id;
    const leaders = this.connection.leaders(batches.map(({ partition }) => partition));
    await Promise.all(
      [...leaders].map(async ([nodeId, partitions]) => {
        const broker = await this.connection.broker(nodeId);
        const mine = batches.filter(({ partition }) => partitions.includes(partition));
        const finished = mine.map(({ partition, batch }) => {
          const baseSequence = this.#sequences.get(partition) ?? 0;
          this.#sequences.set(partition, nextSequence(baseSequence, batch.records));
          return { partition, bytes: batch.finish({ producerId, producerEpoch, baseSequence }, timestamp) };
        });
        await produce(broker, { transactionalId, topic, batches: finished });
        const bytes = finished.reduce((sum, batch) => sum + batch.bytes.length, 0);
        this.connection.metrics.add('orders_bytes_total', bytes, { stage: 'published' });
      }),
    );
  }

  /** Adds the progress record to the transaction and commits it. A fenced producer fails here at the latest. */
  async commit(progress: Progress, signal: AbortSignal | undefined): Promise<void> {
    const offset = {
      partition: PROGRESS_PARTITION,
      offset: String(progress.sequence),
      metadata: encodeProgress(progress),
    };
    await this.#asTransaction(signal, (coordinator) =>
      coordinator.addOffsetsToTxn({ ...this.id, groupId: PROGRESS_GROUP }),
    );
    await this.connection.coordinated('group', PROGRESS_GROUP, signal, (coordinator) =>
      coordinator.txnOffsetCommit({
        ...this.id,
        groupId: PROGRESS_GROUP,
        topics: [{ topic: this.connection.topic, partitions: [offset] }],
      }),
    );
    await this.#asTransaction(signal, (coordinator) =>
      coordinator.endTxn({ ...this.id, transactionResult: true }),
    );
    this.#inTransaction.clear();
  }

  /** Ends a failed transaction, so that readers are not held back until the next attempt. */
  async abort(signal: AbortSignal): Promise<void> {
    if (this.#inTransaction.size === 0) return;
    await untilAborted(
      this.#asTransaction(signal, (coordinator) =>
        coordinator.endTxn({ ...this.id, transactionResult: false }),
      ),
      signal,
    );
  }

  async #join(partitions: readonly number[], signal: AbortSignal | undefined): Promise<void> {
    const joining = partitions.filter((partition) => !this.#inTransaction.has(partition));
    if (joining.length === 0) return;
    const topics = [{ topic: this.connection.topic, partitions: joining }];
    await this.#asTransaction(signal, (coordinator) =>
      coordinator.addPartitionsToTxn({ ...this.id, topics }),
    );
    for (const partition of joining) this.#inTransaction.add(partition);
  }

  async #asTransaction(
    signal: AbortSignal | undefined,
    use: Parameters<Connection['coordinated']>[3],
  ): Promise<void> {
    await this.connection.coordinated('transaction', this.id.transactionalId, signal, use);
  }
}
