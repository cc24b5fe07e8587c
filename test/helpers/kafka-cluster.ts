import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigResourceTypes, Kafka, logLevel, type Admin } from 'kafkajs';
import { Connection } from '../../adapters/kafka/transport/connection';
import { checkCode, kindOf } from '../../adapters/kafka/transport/errors';
import { send } from '../../adapters/kafka/transport/send-request';
import { wire, WireReader } from '../../adapters/kafka/transport/wire';
import * as stack from '../../dev/stack';
import { Home } from '../../dev/stack/home';
import { randomClusterId } from '../../dev/stack/servers/kafka';
import { findFreePort } from '../../dev/stack/system/ports';
import { endWithUs } from './end-with-us';
import { eventually } from './pipeline';
import { SILENT } from './telemetry';

/** Numbers of the nodes. */
export const NODES = [1, 2, 3] as const;
export type Node = (typeof NODES)[number];

/** As in production: three copies of everything, two of which have to be written. */
const REPLICATION = {
  'default.replication.factor': 3,
  'min.insync.replicas': 2,
  'offsets.topic.replication.factor': 3,
  'transaction.state.log.replication.factor': 3,
  'transaction.state.log.min.isr': 2,
};

/** Three brokers that are controllers too (KRaft), each a stack of one server. They end with this process, however it ends. */
export class KafkaCluster {
  readonly #frozen = new Set<Node>();

  private constructor(
    private readonly homes: Record<Node, string>,
    /** The address of each. */
    readonly brokers: Record<Node, string>,
  ) {}

  static async start(): Promise<KafkaCluster> {
    // They are started often and live for a minute: a third less CPU for each start.
    process.env['JAVA_TOOL_OPTIONS'] ??= '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC';
    const ports = await Promise.all(
      NODES.map(async () => ({ clients: await findFreePort(), controller: await findFreePort() })),
    );
    const voters = ports.map(({ controller }, index) => `${NODES[index]}@127.0.0.1:${controller}`).join();
    const secret = randomClusterId();
    const homes = NODES.map((node, index) => {
      const home = mkdtempSync(join(tmpdir(), 'orders-stream-kafka-'));
      const settings = { ...REPLICATION, 'node.id': node, 'controller.quorum.voters': voters };
      Home.open({ home }).update('kafka', { ports: ports[index]!, secret, settings });
      return home;
    });
    endWithUs({ homes });
    const byNode = <T>(values: T[]) => Object.fromEntries(NODES.map((node, index) => [node, values[index]]));
    const cluster = new KafkaCluster(
      byNode(homes) as Record<Node, string>,
      byNode(ports.map(({ clients }) => `127.0.0.1:${clients}`)) as Record<Node, string>,
    );
    try {
      await cluster.up(...NODES);
    } catch (error) {
      await cluster.destroy();
      throw error;
    }
    return cluster;
  }

  get bootstrap(): string[] {
    return Object.values(this.brokers);
  }

  /** SIGKILL; the data stays. */
  async kill(...nodes: Node[]): Promise<void> {
    await Promise.all(nodes.map((node) => stack.kill('kafka', this.#options(node))));
  }

  /** SIGTERM: a broker hands its partitions over before it goes. */
  async stop(node: Node): Promise<void> {
    await stack.down(this.#options(node));
  }

  /** Starts those that do not run, and returns when they answer. */
  async up(...nodes: Node[]): Promise<void> {
    await Promise.all(nodes.map((node) => stack.up(this.#options(node))));
  }

  freeze(node: Node): void {
    this.#frozen.add(node);
    process.kill(this.#pid(node), 'SIGSTOP');
  }

  wake(node: Node): void {
    this.#frozen.delete(node);
    process.kill(this.#pid(node), 'SIGCONT');
  }

  async destroy(): Promise<void> {
    // Killed first: the last one could not hand anything over, and would wait for somebody to take it.
    await this.kill(...NODES);
    await Promise.all(NODES.map((node) => stack.destroy(this.#options(node))));
    for (const home of Object.values(this.homes)) rmSync(home, { recursive: true, force: true });
  }

  /** The node whose controller is active, by what a node that runs has written down. */
  controller(asked: Node): Node {
    const file = join(this.homes[asked], 'kafka/data/__cluster_metadata-0/quorum-state');
    return (JSON.parse(readFileSync(file, 'utf8')) as { leaderId: Node }).leaderId;
  }

  /** Leader, replicas (the first is preferred) and those in sync. */
  async partition(
    topic: string,
    partition: number,
  ): Promise<{ leader: Node; replicas: Node[]; isr: Node[] }> {
    const { topics } = await this.#administer((admin) => admin.fetchTopicMetadata({ topics: [topic] }));
    const found = topics[0]!.partitions.find(({ partitionId }) => partitionId === partition)!;
    return found as unknown as { leader: Node; replicas: Node[]; isr: Node[] };
  }

  /** The node that coordinates a group or a transactional id. */
  async coordinator(kind: 'group' | 'transaction', id: string): Promise<Node> {
    return this.#connected((connection) =>
      connection.coordinated(kind, id, undefined, (broker) => Promise.resolve(Number(broker.nodeId) as Node)),
    );
  }

  /** Waits until all copies of these topics are in sync. */
  async inSync(...topics: string[]): Promise<void> {
    await eventually(async () => {
      const found = await this.#administer((admin) => admin.fetchTopicMetadata({ topics }));
      const behind = found.topics.flatMap(({ name, partitions }) =>
        partitions.filter(({ isr, replicas }) => isr.length < replicas.length).map(() => name),
      );
      if (behind.length > 0) throw new Error(`not in sync: ${behind.join()}`);
    }, 40_000);
  }

  /** Makes a node the leader by a new order of the replicas and an election of the preferred one. */
  async moveLeader(topic: string, partition: number, node: Node): Promise<void> {
    const replicas = [node, ...NODES.filter((other) => other !== node)];
    await this.#administer((admin) =>
      admin.alterPartitionReassignments({
        topics: [{ topic, partitionAssignment: [{ partition, replicas }] }],
      }),
    );
    await eventually(async () => {
      if ((await this.partition(topic, partition)).replicas[0] !== node) throw new Error('not reassigned');
      await this.#connected((connection) => electPreferred(connection, topic, partition));
      const { leader } = await this.partition(topic, partition);
      if (leader !== node) throw new Error(`${leader} leads, not ${node}`);
    });
  }

  async configureTopic(topic: string, name: string, value: string): Promise<void> {
    await this.#configure(ConfigResourceTypes.TOPIC, topic, name, value);
  }

  async configureBrokers(name: string, value: string): Promise<void> {
    for (const node of NODES) await this.#configure(ConfigResourceTypes.BROKER, String(node), name, value);
  }

  async #configure(type: ConfigResourceTypes, resource: string, name: string, value: string): Promise<void> {
    const configEntries = [{ name, value }];
    await this.#administer((admin) =>
      admin.alterConfigs({ validateOnly: false, resources: [{ type, name: resource, configEntries }] }),
    );
  }

  /** Connected anew each time, since brokers come and go. */
  async #administer<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    const brokers = this.#awake();
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 3_000 }).admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }

  #awake(): string[] {
    return NODES.filter((node) => !this.#frozen.has(node)).map((node) => this.brokers[node]);
  }

  #pid(node: Node): number {
    return Home.open(this.#options(node)).get('kafka').process!.pid;
  }

  async #connected<T>(use: (connection: Connection) => Promise<T>): Promise<T> {
    const connection = new Connection({
      ...{
        brokers: this.#awake(),
        topic: '',
        numPartitions: 0,
        replicationFactor: 0,
        consumerGroup: '',
        telemetry: SILENT,
      },
    });
    try {
      await connection.openWithoutTopic();
      return await use(connection);
    } finally {
      connection.destroy();
    }
  }

  #options(node: Node): stack.StackOptions {
    return { home: this.homes[node], servers: ['kafka'], useEnvironment: false };
  }
}

/** kafkajs does not have this request. */
async function electPreferred(connection: Connection, topic: string, partition: number): Promise<void> {
  const [anyNode = ''] = connection.nodeIds();
  const body = Buffer.concat([
    wire.array([Buffer.concat([wire.string(topic), wire.array([wire.int32(partition)])])]),
    wire.int32(5_000), // time-out
  ]);
  const call = { apiKey: 43, apiVersion: 0, apiName: 'ElectLeaders' };
  const { codes } = await send(await connection.broker(anyNode), call, body, (payload) => {
    const reader = new WireReader(payload);
    reader.int32(); // throttle time
    const topics = reader.array(() => {
      reader.string();
      return reader.array(() => {
        reader.int32();
        const code = reader.int16();
        reader.string();
        return code;
      });
    });
    return { codes: topics.flat() };
  });
  for (const code of codes) {
    try {
      checkCode(code);
    } catch (error) {
      if (kindOf(error) !== 'ELECTION_NOT_NEEDED') throw error;
    }
  }
}
