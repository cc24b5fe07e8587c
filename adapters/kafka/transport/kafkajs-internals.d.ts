/**
 * The parts of kafkajs 2.2.4 that have no public types and that this adapter uses: connections, login,
 * metadata and the request queue; of decoded messages, what the tests' oracle reads. kafkajs is pinned exactly, because nothing promises that these stay.
 */
declare module 'kafkajs/src/cluster' {
  import type { Broker, ClusterOptions, PartitionMetadata } from 'kafkajs/src/cluster/types';

  class Cluster {
    constructor(options: ClusterOptions);
    connect(): Promise<void>;
    disconnect(): Promise<void>;
    addTargetTopic(topic: string): Promise<void>;
    refreshMetadata(): Promise<void>;
    getNodeIds(): string[];
    findBroker(broker: { nodeId: string | number }): Promise<Broker>;
    findTopicPartitionMetadata(topic: string): PartitionMetadata[];
  }
  export = Cluster;
}

declare module 'kafkajs/src/cluster/types' {
  import type { ISocketFactory, RetryOptions, SASLOptions } from 'kafkajs';
  import type { ConnectionOptions } from 'node:tls';

  export interface ClusterOptions {
    logger: object;
    socketFactory: ISocketFactory;
    brokers: string[];
    clientId: string;
    connectionTimeout: number;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
    retry: RetryOptions;
    allowAutoTopicCreation: boolean;
    maxInFlightRequests: number | null;
    ssl?: true | ConnectionOptions;
    sasl?: SASLOptions;
  }

  export interface PartitionMetadata {
    partitionErrorCode: number;
    partitionId: number;
    leader: number;
  }

  /** A request as the connection sends it: header by kafkajs, body by `encode`. */
  export interface ProtocolRequest<T extends object> {
    request: {
      apiKey: number;
      apiVersion: number;
      apiName: string;
      /** kafkajs copies `buffer`; it looks at `buf` only to see that it is one. */
      encode: () => Promise<{ buf: Buffer; buffer: Buffer }>;
    };
    response: { decode: (payload: Buffer) => Promise<T>; parse: (decoded: T) => Promise<T> };
    /** Milliseconds; raises the cluster's requestTimeout, never lowers it. */
    requestTimeout?: number;
    logResponseError?: boolean;
  }

  interface Transactional {
    transactionalId: string;
    producerId: string;
    producerEpoch: number;
  }

  interface TopicOffsets {
    topic: string;
    partitions: { partition: number; offset: string; metadata?: string | null }[];
  }

  interface FetchedMessage {
    offset: string;
    key: Buffer | null;
  }

  /** `messages` holds control records and those of aborted transactions, too. */
  export interface FetchedPartition {
    partition: number;
    messages: FetchedMessage[];
  }

  export interface Broker {
    nodeId: number | string;
    versions: Record<number, { minVersion: number; maxVersion: number } | undefined>;
    connectionPool: { send<T extends object>(request: ProtocolRequest<T>): Promise<T> };
    findGroupCoordinator(request: {
      groupId: string;
      coordinatorType: 0 | 1;
    }): Promise<{ coordinator: { nodeId: number } }>;
    initProducerId(request: {
      transactionalId: string;
      transactionTimeout: number;
    }): Promise<{ producerId: string; producerEpoch: number }>;
    addPartitionsToTxn(
      request: Transactional & { topics: { topic: string; partitions: number[] }[] },
    ): Promise<unknown>;
    addOffsetsToTxn(request: Transactional & { groupId: string }): Promise<unknown>;
    txnOffsetCommit(request: Transactional & { groupId: string; topics: TopicOffsets[] }): Promise<unknown>;
    endTxn(request: Transactional & { transactionResult: boolean }): Promise<unknown>;
    describeConfigs(request: {
      resources: { type: number; name: string; configNames: string[] }[];
    }): Promise<{ resources: { configEntries: { configName: string; configValue: string | null }[] }[] }>;
    listOffsets(request: {
      isolationLevel: 0 | 1;
      topics: { topic: string; partitions: { partition: number; timestamp: number }[] }[];
    }): Promise<{ responses: { topic: string; partitions: { partition: number; offset: string }[] }[] }>;
    fetch(request: {
      isolationLevel: 0 | 1;
      maxWaitTime: number;
      minBytes: number;
      maxBytes: number;
      topics: {
        topic: string;
        partitions: { partition: number; fetchOffset: string; maxBytes: number }[];
      }[];
    }): Promise<{ responses: { partitions: FetchedPartition[] }[] }>;
    offsetCommit(request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      topics: TopicOffsets[];
    }): Promise<unknown>;
  }
}

declare module 'kafkajs/src/consumer/batch' {
  import type { FetchedPartition } from 'kafkajs/src/cluster/types';

  class Batch {
    constructor(topic: string, fetchedOffset: string, partition: FetchedPartition);
    /** Without control records, and without those of aborted transactions. */
    readonly messages: FetchedPartition['messages'];
  }
  export = Batch;
}

declare module 'kafkajs/src/loggers' {
  import type { logCreator, logLevel } from 'kafkajs';
  export function createLogger(options: { level: logLevel; logCreator: logCreator }): object;
}

declare module 'kafkajs/src/protocol/error' {
  import type { KafkaJSProtocolError } from 'kafkajs';
  export function createErrorFromCode(code: number): KafkaJSProtocolError;
}

declare module 'kafkajs/src/network/requestQueue' {
  class RequestQueue {
    readonly pending: readonly unknown[];
    /** Milliseconds since 1970; -1 where the broker does not throttle. */
    readonly throttledUntil: number;
    /** On the prototype, and called with its queue as `this`. */
    scheduleCheckPendingRequests: () => void;
  }
  export = RequestQueue;
}
