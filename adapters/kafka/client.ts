import { logLevel, type ISocketFactoryArgs } from 'kafkajs';
import Cluster from 'kafkajs/src/cluster';
import type { Broker, ProtocolRequest } from 'kafkajs/src/cluster/types';
import { createLogger } from 'kafkajs/src/loggers';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { LastingFailure } from '../../model/errors';
import { pause, untilAborted } from './abort';
import { isMoved, kindOf } from './errors';
import type { KafkaTopicOptions } from './options';
import { checkPartitionCount } from './partition-count';

/** Enough for TLS over a distance; kafkajs's 1 s is not. */
const CONNECTION_TIMEOUT_MS = 5_000;
/** A broker that is silent for so long is an outage. Long polls ask for more. */
export const REQUEST_TIMEOUT_MS = 15_000;
/** How often an operation that may be repeated is tried on a new connection before it counts as an outage. */
const TRIES = 4;
/** Coordinators that are loading, moving or finishing the last transaction are asked again for so long. */
const COORDINATOR_PATIENCE_MS = 10_000;

const WAIT_FOR_COORDINATOR = new Set([
  'GROUP_LOAD_IN_PROGRESS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR_FOR_GROUP',
  'CONCURRENT_TRANSACTIONS',
  'UNSTABLE_OFFSET_COMMIT',
]);

/** One set of TCP connections to the brokers, with the topic's metadata. */
export class Connection {
  readonly #sockets = new Set<Socket>();
  readonly #cluster: Cluster;
  #destroyed = false;
  readonly topic: string;
  /** All of the topic. */
  readonly partitions: readonly number[];

  constructor(options: KafkaTopicOptions) {
    const { topic, numPartitions, ssl, sasl } = options;
    this.topic = topic;
    this.partitions = Array.from({ length: numPartitions }, (_, partition) => partition);
    this.#cluster = new Cluster({
      logger: kafkajsLogger(options, () => !this.#destroyed),
      socketFactory: (wanted) => this.#connect(wanted),
      brokers: options.brokers,
      clientId: options.clientId ?? 'orders-stream',
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
      metadataMaxAge: 300_000,
      // Enough tries to reach every broker named; waiting for one to come back is Temporal's task.
      retry: { retries: Math.max(2, options.brokers.length), initialRetryTime: 30, maxRetryTime: 500 },
      allowAutoTopicCreation: false,
      maxInFlightRequests: null,
      ...(ssl === undefined || ssl === false ? {} : { ssl }),
      ...(sasl === undefined ? {} : { sasl }),
    });
  }

  async open(): Promise<void> {
    await this.#cluster.connect();
    await this.#cluster.addTargetTopic(this.topic);
    const found = this.#cluster.findTopicPartitionMetadata(this.topic).length;
    checkPartitionCount(this.topic, this.partitions.length, found);
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

  async broker(nodeId: number): Promise<Broker> {
    return this.#cluster.findBroker({ nodeId });
  }

  async refresh(): Promise<void> {
    await this.#cluster.refreshMetadata();
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
    const deadline = Date.now() + COORDINATOR_PATIENCE_MS;
    let coordinator: Broker | undefined;
    for (let wait = 4; ; wait = Math.min(wait * 1.5, 250)) {
      try {
        coordinator ??= await this.#findCoordinator(kind, id);
        return await use(coordinator);
      } catch (error) {
        const reason = kindOf(error);
        if (!WAIT_FOR_COORDINATOR.has(reason) || Date.now() > deadline) throw error;
        if (reason !== 'CONCURRENT_TRANSACTIONS' && reason !== 'UNSTABLE_OFFSET_COMMIT')
          coordinator = undefined;
        await pause(wait, signal);
      }
    }
  }

  async #findCoordinator(kind: 'group' | 'transaction', id: string): Promise<Broker> {
    const [nodeId] = this.#cluster.getNodeIds();
    const any = await this.#cluster.findBroker({ nodeId: nodeId ?? -1 });
    const { coordinator } = await any.findGroupCoordinator({
      groupId: id,
      coordinatorType: kind === 'group' ? 0 : 1,
    });
    return this.#cluster.findBroker({ nodeId: coordinator.nodeId });
  }

  /** As kafkajs connects, but keeping the socket so that it can be cut. */
  #connect({ host, port, ssl, onConnect }: ISocketFactoryArgs): Socket {
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) ? {} : { servername: host }), ...ssl }, onConnect)
      : connectPlain({ host, port, noDelay: true }, onConnect);
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

/**
 * Lends connections. One that failed or was given up is thrown away, and where brokers moved all idle ones too,
 * so after an outage everything starts from fresh metadata, without a new process.
 */
export class ConnectionPool {
  readonly #idle: Connection[] = [];
  readonly #lent = new Set<Connection>();
  #closed = false;

  constructor(private readonly options: KafkaTopicOptions) {}

  async take(signal?: AbortSignal): Promise<Connection> {
    if (this.#closed) throw new Error('the topic is closed');
    signal?.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      this.#lent.add(idle);
      return idle;
    }
    const connection = new Connection(this.options);
    this.#lent.add(connection);
    try {
      await untilAborted(connection.open(), signal);
    } catch (error) {
      this.discard(connection);
      throw error;
    }
    return connection;
  }

  giveBack(connection: Connection): void {
    if (!this.#lent.delete(connection)) return;
    if (this.#closed) connection.destroy();
    else this.#idle.push(connection);
  }

  discard(connection: Connection): void {
    this.#lent.delete(connection);
    connection.destroy();
  }

  /** Runs an operation that may be repeated; after an abort or failure its connection is thrown away. */
  async run<T>(signal: AbortSignal | undefined, use: (connection: Connection) => Promise<T>): Promise<T> {
    return this.hold(signal, async (connection) => {
      const result = await use(connection);
      this.giveBack(connection);
      return result;
    });
  }

  /** As `run`, but after success the connection stays lent: give it back or discard it. */
  async hold<T>(signal: AbortSignal | undefined, use: (connection: Connection) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      let connection: Connection | undefined;
      try {
        connection = await this.take(signal);
        return await untilAborted(use(connection), signal);
      } catch (error) {
        if (connection !== undefined) this.discard(connection);
        if (signal?.aborted === true || attempt === TRIES || !isMoved(error)) throw error;
        this.#dropIdle();
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

/** Sends a request that this adapter encodes itself. */
export async function send<T extends object>(
  broker: Broker,
  call: { apiKey: number; apiVersion: number; apiName: string; requestTimeout?: number },
  body: Buffer,
  decode: (payload: Buffer) => T,
): Promise<T> {
  const { apiKey, apiVersion, apiName, requestTimeout } = call;
  const offered = broker.versions[apiKey];
  if (offered === undefined || apiVersion < offered.minVersion || apiVersion > offered.maxVersion) {
    throw new LastingFailure(
      'InvalidSettings',
      `the broker does not offer ${apiName} version ${apiVersion}: Kafka 2.5 or newer is needed`,
    );
  }
  const request: ProtocolRequest<T> = {
    request: { apiKey, apiVersion, apiName, encode: () => Promise.resolve({ buf: body, buffer: body }) },
    response: {
      decode: (payload) => Promise.resolve(decode(payload)),
      parse: (decoded) => Promise.resolve(decoded),
    },
    ...(requestTimeout === undefined ? {} : { requestTimeout }),
  };
  return broker.connectionPool.send(request);
}

/** kafkajs's warnings, without those for answers that reach us as errors anyway, and may be expected ones. */
function kafkajsLogger({ logger }: KafkaTopicOptions, isWanted: () => boolean): object {
  return createLogger({
    level: logger === undefined ? logLevel.NOTHING : logLevel.WARN,
    logCreator:
      () =>
      ({ log: { message, timestamp: _timestamp, ...details } }) => {
        if (isWanted() && !message.startsWith('Response ')) logger?.warn(`kafkajs: ${message}`, details);
      },
  });
}
