import type { OrdersTopic, OutgoingMessage, Progress, Trace } from '../../../ports';
import type { Window } from '../../../domain/ranges';
import { untilAborted, type ConnectionPool } from '../transport';
import { isOtherTopic } from '../../../domain/topic-id';
import { anotherTopic, isPublished, otherRecord, readProgress } from './progress-record';
import { RowSender } from './row-sender';
import { SizeLimit } from './size-limit';
import { topicId } from '../topic';
import { TransactionalProducer, transactionalIdOf } from './transactional-producer';

/** How long a failed publish may take to end its transaction; the next attempt would end it as well. */
const ABORT_TIMEOUT_MS = 1_000;

type SequencedWindow = Window & { sequence: number };
type Rows = () => AsyncIterable<readonly OutgoingMessage[]>;
type Published = ReturnType<OrdersTopic['publish']>;
type PublishOptions = Parameters<OrdersTopic['publish']>[2];

/** Publishes windows, each in one transaction with its progress record. */
export class Publisher {
  /**
   * The producer of the last publish, kept to save the registration of the next. It may go on without reading
   * the record only if the last thing it did was to commit the sequence before: the brokers accept a commit
   * only from a producer that no other has fenced, and every publisher fences before it writes, so at that
   * commit the record was ours; and if another publishes from then on, this producer's next commit fails.
   */
  #kept: { producer: TransactionalProducer; committed: number } | undefined;
  readonly #sizeLimit = new SizeLimit();

  constructor(
    private readonly pool: ConnectionPool,
    private readonly topic: string,
    private readonly trace: Trace,
  ) {}

  /** See OrdersTopic.publish. */
  async publish(window: SequencedWindow, rows: Rows, options: PublishOptions): Published {
    options.signal.throwIfAborted();
    const kept = this.#takeKept(window.sequence - 1);
    if (kept !== undefined) return this.#transact(kept, window, rows, options);

    const { producer, found, id } = await this.trace.step('fence', () => this.#open(options.signal));
    this.#refuseOther(options.topicId, id);
    if (isPublished(window, found, this.topic, options.afterReset)) {
      this.pool.release(producer.connection);
      return { rows: found?.rows ?? 0, already: true, topicId: id, sourceId: found?.sourceId };
    }
    return this.#transact(producer, window, rows, options);
  }

  /** See OrdersTopic.renewProgress. A transaction as for a publish, but of no rows. */
  async renew(sequence: number, signal: AbortSignal): Promise<void> {
    this.#dropKept();
    const { producer, found } = await this.#open(signal);
    try {
      if (found?.sequence !== sequence) throw otherRecord(sequence, found, this.topic);
      await untilAborted(producer.commit(found, signal), signal);
    } catch (error) {
      this.pool.destroy(producer.connection, error);
      throw error;
    }
    this.#kept = { producer, committed: sequence };
  }

  #takeKept(committed: number): TransactionalProducer | undefined {
    const kept = this.#kept;
    if (kept?.committed !== committed) return this.#dropKept();
    this.#kept = undefined;
    return kept.producer;
  }

  #dropKept(): undefined {
    if (this.#kept !== undefined) this.pool.release(this.#kept.producer.connection);
    this.#kept = undefined;
  }

  /** Fences older attempts, and only then reads the record: afterwards nobody else can change it unnoticed. */
  async #open(
    signal: AbortSignal,
  ): Promise<{ producer: TransactionalProducer; found: Progress | undefined; id: string | undefined }> {
    const transactionalId = transactionalIdOf(this.topic);
    return this.pool.hold(signal, async (connection) => ({
      producer: await TransactionalProducer.open(connection, transactionalId, signal),
      found: await readProgress(connection, signal),
      id: await topicId(connection),
    }));
  }

  #refuseOther(known: string | undefined, found: string | undefined): void {
    if (isOtherTopic(known, found)) throw anotherTopic(this.topic, known!, found);
  }

  async #transact(
    producer: TransactionalProducer,
    window: SequencedWindow,
    rows: Rows,
    options: PublishOptions,
  ): Published {
    const { signal } = options;
    let sender: RowSender | undefined;
    try {
      // Where a row goes depends on the number of partitions, which stays the same within one transaction.
      await untilAborted(producer.connection.catchUp(), signal);
      const limit = await this.#sizeLimit.of(producer.connection, signal);
      sender = new RowSender(producer, { ...options, limit, trace: this.trace });
      await sendAll(rows(), sender, signal);
      await untilAborted(sender.finish(), signal);
      // After the rows are written: if it is the same topic still, all of them are in it. A kept producer has not looked before.
      const id = await untilAborted(topicId(producer.connection), signal);
      this.#refuseOther(options.topicId, id);
      const sourceId = options.source?.();
      const { late, firstRunId } = options;
      const progress = { ...window, rows: sender.rows, topicId: id, sourceId, late, firstRunId };
      await this.trace.step('commit', () => untilAborted(producer.commit(progress, signal), signal));
      this.#kept = { producer, committed: window.sequence };
      return { rows: sender.rows, already: false, topicId: id, sourceId };
    } catch (error) {
      this.#sizeLimit.forget();
      await abort(producer, sender).catch(() => undefined);
      this.pool.destroy(producer.connection, error);
      throw error;
    }
  }
}

/**
 * Ends the transaction, but not before the brokers have answered the last request: rows that arrive after the
 * abort would open a transaction that nobody ends (brokers before 3.6), and readers would wait indefinitely.
 */
async function abort(producer: TransactionalProducer, sender: RowSender | undefined): Promise<void> {
  const timeout = AbortSignal.timeout(ABORT_TIMEOUT_MS);
  await untilAborted(sender?.settled() ?? Promise.resolve(), timeout);
  await producer.abort(timeout);
}

/** As `for await`, but an abort does not wait for a source that hangs. */
async function sendAll(
  rows: AsyncIterable<readonly OutgoingMessage[]>,
  sender: RowSender,
  signal: AbortSignal,
): Promise<void> {
  const source = rows[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const chunk = await untilAborted(source.next(), signal);
      if (chunk.done === true) {
        ended = true;
        return;
      }
      await untilAborted(sender.add(chunk.value), signal);
    }
  } finally {
    if (!ended) source.return?.().catch(() => undefined);
  }
}
