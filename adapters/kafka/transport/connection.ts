import { KafkaJSConnectionError, logLevel, type ISocketFactoryArgs } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster';
import type { Broker } from 'kafkajs/src/cluster/types';
import { createLogger } from 'kafkajs/src/loggers';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import './request-timers';
import { inTime, pause } from './abort';
import { kindOf } from './errors';
import type { Metrics } from '../../../ports';
import type { KafkaTopicOptions } from './options';
import { timeRequests } from './time-requests';
import { checkPartitionCount } from './partition-count';

/** Enough for TLS over a distance; kafkajs's 1 s is not. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** A broker that is silent for so long fails with a transient error. Long polls ask for more. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** Coordinators that are loading, moving or finishing the last transaction are asked again for so long. */
const COORDINATOR_TIMEOUT_MS = 10_000;

/** The last transaction's end is still being written. */
const STILL_COORDINATOR = new Set(['CONCURRENT_TRANSACTIONS', 'UNSTABLE_OFFSET_COMMIT']);
const WAIT_FOR_COORDINATOR = new Set([
  ...STILL_COORDINATOR,
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
]);

/** One set of TCP connections to the brokers, with the topic's metadata. */
export class Connection {
  readonly #sockets = new Set<Socket>();
  readonly #cluster: Cluster;
  readonly #coordinators = new Map<string, number>();
  #destroyed = false;
  /** The most partitions of the topic that any broker told of. */
  #partitionsSeen = 0;
  readonly topic: string;

  constructor(private readonly options: KafkaTopicOptions) {
    const { topic, ssl, sasl } = options;
    this.topic = topic;
    this.#cluster = new Cluster({
      logger: kafkajsLogger(options, () => !this.#destroyed),
      socketFactory: (wanted) => this.#connect(wanted),
      brokers: options.brokers,
      clientId: options.clientId ?? 'orders-stream',
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
      // Enough tries to reach every broker named; waiting for one to come back is Temporal's task.
      retry: { retries: Math.max(2, options.brokers.length), initialRetryTime: 30, maxRetryTime: 500 },
      allowAutoTopicCreation: false,
      maxInFlightRequests: null,
      ssl: ssl || undefined,
      sasl,
    });
  }

  /** For looking at brokers on which the topic need not exist yet. */
  async openWithoutTopic(): Promise<void> {
    await this.#bootstrap();
    await this.#cluster.refreshMetadata();
  }

  /** kafkajs stays with a broker that takes connections and does not answer for a minute, whatever others are named. */
  async #bootstrap(): Promise<void> {
    await inTime(
      this.#cluster.connect(),
      CONNECTION_TIMEOUT_MS,
      () => new KafkaJSConnectionError(`no answer within ${CONNECTION_TIMEOUT_MS / 1_000} s`),
    );
  }

  async open(): Promise<void> {
    await this.#bootstrap();
    await this.#cluster.addTargetTopic(this.topic);
    checkPartitionCount(this.options, this.partitions.length);
  }

  /** All of the topic, by the metadata at hand. Partitions may be added at any time: see {@link catchUp}. */
  get partitions(): readonly number[] {
    const metadata = this.#cluster.findTopicPartitionMetadata(this.topic);
    return metadata.map(({ partitionId }) => partitionId).sort((a, b) => a - b);
  }

  /** A broker told of so many partitions. */
  noticePartitions(count: number): void {
    this.#partitionsSeen = Math.max(this.#partitionsSeen, count);
  }

  /** Refreshes the metadata where partitions were noticed that it lacks. */
  async catchUp(): Promise<void> {
    if (this.#partitionsSeen > this.partitions.length) await this.refresh();
  }

  /** Groups partitions by the node that leads them. */
  leaders(partitions: readonly number[]): Map<number, number[]> {
    const metadata = this.#cluster.findTopicPartitionMetadata(this.topic);
    const byLeader = new Map<number, number[]>();
    for (const partition of partitions) {
      const leader = metadata.find(({ partitionId }) => partitionId === partition)?.leader ?? -1;
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), partition]);
    }
    return byLeader;
  }

  nodeIds(): string[] {
    return this.#cluster.getNodeIds();
  }

  async broker(nodeId: number | string): Promise<Broker> {
    const broker = await this.#cluster.findBroker({ nodeId });
    timeRequests(broker.connectionPool, this.metrics);
    return broker;
  }

  get metrics(): Metrics {
    return this.options.telemetry.metrics;
  }

  /** One that can be reached: a broker that went is listed for some seconds. */
  async anyBroker(): Promise<Broker> {
    let unreachable = new Error('no broker is known');
    for (const nodeId of this.nodeIds()) {
      try {
        return await this.broker(nodeId);
      } catch (error) {
        if (!(error instanceof KafkaJSConnectionError)) throw error;
        unreachable = error;
      }
    }
    throw unreachable;
  }

  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata();
  }

  /**
   * As `refresh`, which asks one of the brokers that it is connected to: all of them now, or a leader that was deposed
   * and has not noticed might be asked for its successor again and again.
   */
  async refreshFromAny(): Promise<void> {
    for (const nodeId of this.nodeIds()) await this.broker(nodeId);
    await this.refresh();
  }

  /**
   * Runs `use` with the broker that coordinates a group or a transactional id, again while the coordinator
   * says that it is not ready. kafkajs has a finder, which turns every error (a missing right, too) into
   * "Failed to find group coordinator".
   */
  async coordinated<T>(
    kind: 'group' | 'transaction',
    id: string,
    signal: AbortSignal | undefined,
    use: (broker: Broker) => Promise<T>,
  ): Promise<T> {
    const deadline = Date.now() + COORDINATOR_TIMEOUT_MS;
    const name = `${kind} ${id}`;
    for (let wait = 4; ; wait = Math.min(wait * 1.5, 250)) {
      try {
        const nodeId = this.#coordinators.get(name) ?? (await this.#findCoordinator(kind, id));
        const coordinator = await this.broker(nodeId);
        this.#coordinators.set(name, nodeId);
        return await use(coordinator);
      } catch (error) {
        const reason = kindOf(error);
        if (!WAIT_FOR_COORDINATOR.has(reason) || Date.now() > deadline || this.#destroyed) throw error;
        if (!STILL_COORDINATOR.has(reason)) this.#coordinators.delete(name);
        await pause(wait, signal);
      }
    }
  }

  async #findCoordinator(kind: 'group' | 'transaction', id: string): Promise<number> {
    const { coordinator } = await (
      await this.anyBroker()
    ).findGroupCoordinator({ groupId: id, coordinatorType: kind === 'group' ? 0 : 1 });
    return coordinator.nodeId;
  }

  /** As kafkajs connects, but keeping the socket so that it can be cut. */
  #connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connectPlain({ host, port }, onConnect);
    socket.setNoDelay(true); // requests follow answers; waiting to fill packets costs 40 ms each
    socket.setKeepAlive(true, 60_000);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    // What was still under way when the connection was thrown away lets kafkajs connect again.
    if (this.#destroyed) setImmediate(() => socket.destroy(new Error('thrown away')));
    return socket;
  }

  /** Cuts the connections at once. kafkajs's own disconnect waits for the answers of a long poll. */
  destroy(): void {
    this.#destroyed = true;
    for (const socket of this.#sockets) socket.destroy(new Error('thrown away'));
    this.#cluster.disconnect().catch(() => undefined);
  }
}

/** Answers and lost connections reach us as errors anyway, and may be expected ones; kafkajs tells each several times. */
const NO_NEWS = /^(?:Response |Connection |Failed to connect)/;

const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** kafkajs's warnings. */
function kafkajsLogger({ telemetry: { log } }: KafkaTopicOptions, isWanted: () => boolean): object {
  return createLogger({
    level: logLevel.WARN,
    logCreator:
      () =>
      ({ log: { message, broker, error } }) => {
        if (isWanted() && !NO_NEWS.test(message))
          log.warn(`kafkajs: ${message}`, { broker: text(broker), error: text(error) });
      },
  });
}
