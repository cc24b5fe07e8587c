import { pause, untilAborted } from './abort';
import { Connection } from './connection';
import { isMoved, isUnresponsive } from './errors';
import type { KafkaTopicOptions } from './options';

/** How often an operation that may be repeated is tried on a new connection before it counts as transient. */
const TRIES = 4;
/** No try begins later than this: a transient error is to be shown, and it is Temporal's to try again. */
const TRIES_WITHIN_MS = 6_000;

/**
 * Lends connections. One that failed or was given up is thrown away, and where brokers moved or fell silent all idle ones
 * too, so after an outage everything starts from fresh metadata, without a new process.
 */
export class ConnectionPool {
  readonly #idle: Connection[] = [];
  readonly #lent = new Set<Connection>();
  #closed = false;
  /** Which of the brokers named a new connection asks first: the one that answered last. */
  #first = 0;

  constructor(private readonly options: KafkaTopicOptions) {}

  async acquire(signal?: AbortSignal): Promise<Connection> {
    if (this.#closed) throw new Error('the topic is closed');
    signal?.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#lent.add(idle);
      return idle;
    }
    const { brokers } = this.options;
    const connection = new Connection({
      ...this.options,
      brokers: [...brokers.slice(this.#first), ...brokers.slice(0, this.#first)],
    });
    this.#lent.add(connection);
    try {
      await untilAborted(connection.open(), signal);
    } catch (error) {
      this.#first = (this.#first + 1) % brokers.length;
      this.destroy(connection, error);
      throw error;
    }
    return connection;
  }

  release(connection: Connection): void {
    if (!this.#lent.delete(connection)) return;
    if (this.#closed) connection.destroy();
    else this.#idle.push(connection);
  }

  /** @param error why: after silence each idle connection would cost a time-out, after a move it knows the old leader. */
  destroy(connection: Connection, error?: unknown): void {
    this.#lent.delete(connection);
    connection.destroy();
    if (isUnresponsive(error) || isMoved(error)) this.#dropIdle();
  }

  /** Runs an operation that may be repeated; after an abort or failure its connection is thrown away. */
  async run<T>(signal: AbortSignal | undefined, use: (connection: Connection) => Promise<T>): Promise<T> {
    return this.hold(signal, async (connection) => {
      const result = await use(connection);
      this.release(connection);
      return result;
    });
  }

  /** As `run`, but after success the connection stays lent: release or destroy it. */
  async hold<T>(signal: AbortSignal | undefined, use: (connection: Connection) => Promise<T>): Promise<T> {
    const deadline = Date.now() + TRIES_WITHIN_MS;
    for (let attempt = 1; ; attempt += 1) {
      let connection: Connection | undefined;
      try {
        connection = await this.acquire(signal);
        return await untilAborted(use(connection), signal);
      } catch (error) {
        if (connection !== undefined) this.destroy(connection, error);
        const last = attempt === TRIES || Date.now() > deadline;
        if (signal?.aborted === true || last || !isMoved(error)) throw error;
        await pause(100 * attempt, signal);
      }
    }
  }

  close(): void {
    this.#closed = true;
    this.#dropIdle();
    for (const connection of this.#lent) connection.destroy();
    this.#lent.clear();
  }

  #dropIdle(): void {
    for (const connection of this.#idle.splice(0)) connection.destroy();
  }
}
