import type { Settings } from '../types';

export interface PropertiesInput {
  /** Directory of the log segments, from the one that Kafka is started in. */
  data: string;
  ports: Record<string, number>;
  /** The caller's, which win. */
  more: Settings;
}

/** `server.properties` of one node that is broker and controller in one (KRaft), written anew at each start. */
export function renderProperties({ data, ports, more }: PropertiesInput): string {
  const clients = `PLAINTEXT://127.0.0.1:${ports['clients'] ?? 0}`;
  const controller = `127.0.0.1:${ports['controller'] ?? 0}`;
  const properties: Settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: `${clients},CONTROLLER://${controller}`,
    // Clients are sent here after their first request, so it must follow a change of port.
    'advertised.listeners': clients,
    'controller.listener.names': 'CONTROLLER',
    // The older, static form: the newer one keeps the controller's port in the data, where it could not change.
    'controller.quorum.voters': `1@${controller}`,
    'log.dirs': data,

    // A mistyped topic must be an error, not a new topic with the wrong number of partitions.
    'auto.create.topics.enable': false,
    // Time passes while the stack is down. The default would delete records older than a week, landed or not.
    'log.retention.ms': -1,
    // Pipelines keep their progress as offsets of a group without members. The default forgets those after a
    // week; this is ten years.
    'offsets.retention.minutes': 5_256_000,

    // One broker: copies have nowhere to go. Three partitions instead of 50 make the first use fast.
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 3,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    // Nobody else is going to join the group within the default's three seconds.
    'group.initial.rebalance.delay.ms': 0,

    // After SIGKILL the controller waits this long before it lets the broker in again: with the default of 9 s
    // a restart took 11 s, with this one 4 s. Shorter, and a busy machine would lose its only broker now and then.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 400,
    // The default keeps 128 of our 512 MB for compacting, which has three small topics to do.
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    ...more,
  };
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
