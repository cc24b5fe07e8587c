/** Settings of the topic that keep messages out, or take them away before they land. */
import { NonRetryableError } from '../../../domain/errors';
import { ADVISED, type Connection, kindOf, configureTopic, type KafkaTopicOptions } from '../transport';
import { ORDERS } from '../../../domain/table/orders';

/** Kafka's number for a topic among the resources that have a configuration. */
const TOPIC = 2;
/** The user lacks DescribeConfigs, or the broker has no such request: no reason not to publish. */
const NOT_TO_BE_HAD = new Set([
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'KafkaJSServerDoesNotSupportApiKey',
]);

/** By name; `undefined` where they are not to be had. */
export async function topicConfig(
  connection: Connection,
  configNames: string[],
): Promise<Record<string, string> | undefined> {
  const [anyLeader] = connection.leaders(connection.partitions).keys();
  try {
    const broker = await connection.broker(anyLeader ?? -1);
    const { resources } = await broker.describeConfigs({
      resources: [{ type: TOPIC, name: connection.topic, configNames }],
    });
    return Object.fromEntries(
      resources.flatMap(({ configEntries }) =>
        configEntries.map(({ configName, configValue }) => [configName, configValue ?? '']),
      ),
    );
  } catch (error) {
    if (NOT_TO_BE_HAD.has(kindOf(error))) return undefined;
    throw error;
  }
}

const DAY_MS = 24 * 60 * 60_000;
/** A landing that stands still over a long weekend and a holiday must find its messages. */
const SHORT_RETENTION_MS = 7 * DAY_MS;
/** Not even what stands in for a larger row may fit. */
const SMALLEST_MESSAGE_BYTES = 1_024;
const SMALL_MESSAGE_BYTES = 1_000_000;
/** A batch is stamped just before it is sent; clocks of machines that are looked after differ by less than a minute. */
const LEAST_CLOCKS_MS = 1_000;
const CLOCKS_MS = 60_000;

/** What {@link validateSettings} looks at. */
export const VALIDATED = [
  'cleanup.policy',
  'max.message.bytes',
  'message.timestamp.type',
  'message.timestamp.before.max.ms',
  'message.timestamp.after.max.ms',
  'retention.ms',
  'retention.bytes',
];

/** `refusal`: nothing could be published. `danger`: told at each start. `warning`: the doctor tells. */
type Severity = 'refusal' | 'danger' | 'warning';

export interface SettingFinding {
  severity: Severity;
  setting: string;
  found: string;
  /** What that means. */
  why: string;
  /** The command that mends it. */
  mend: string;
}

/** Those that are not as they should be; settings that are not known are passed over. */
export function validateSettings(
  options: KafkaTopicOptions,
  config: Readonly<Record<string, string | undefined>>,
): SettingFinding[] {
  const findings: SettingFinding[] = [];
  const find = (severity: Severity, setting: string, found: string, why: string, better: string) =>
    findings.push({ severity, setting, found, why, mend: configureTopic(options, better) });

  const bytes = numberOf(config['max.message.bytes']);
  if (bytes < SMALL_MESSAGE_BYTES)
    find(
      bytes < SMALLEST_MESSAGE_BYTES ? 'refusal' : 'warning',
      'max.message.bytes',
      String(bytes),
      'larger orders go to a file in quarantine, and batches are cut small',
      ADVISED.messageBytes,
    );

  for (const side of ['before', 'after'] as const) {
    const setting = `message.timestamp.${side}.max.ms`;
    const allowed = numberOf(config[setting]);
    // The broker's own stamp is always taken.
    if (config['message.timestamp.type'] === 'LogAppendTime' || allowed >= CLOCKS_MS) continue;
    find(
      allowed < LEAST_CLOCKS_MS ? 'refusal' : 'danger',
      setting,
      `${allowed} ms`,
      'messages of a worker whose clock differs by more are refused',
      side === 'before' ? ADVISED.timestampBefore : ADVISED.timestampAfter,
    );
  }

  const policy = config['cleanup.policy'] ?? 'delete';
  const ms = numberOf(config['retention.ms']);
  const size = numberOf(config['retention.bytes']);
  if (policy.includes('compact'))
    find(
      'danger',
      'cleanup.policy',
      policy,
      `compaction removes messages that have not landed, and no row without an ${ORDERS.key.name} is taken: capture stops at it`,
      'cleanup.policy=delete',
    );
  else if (size < Infinity || ms < SHORT_RETENTION_MS)
    find(
      ms < DAY_MS ? 'danger' : 'warning',
      'retention',
      retentionOf(config),
      'what is deleted before it lands is lost to the lake',
      'retention.ms=604800000,retention.bytes=-1',
    );
  return findings;
}

/** See OrdersTopic.check. */
export async function checkSettings(
  connection: Connection,
  options: KafkaTopicOptions,
): Promise<{ warnings: string[] }> {
  const findings = validateSettings(options, (await topicConfig(connection, VALIDATED)) ?? {});
  const say = ({ setting, found, why, mend }: SettingFinding) =>
    `topic ${options.topic} has ${setting} ${found}: ${why}. Change it: ${mend}`;
  const refusals = findings.filter(({ severity }) => severity === 'refusal');
  if (refusals.length > 0) throw new NonRetryableError('TopicMismatch', refusals.map(say).join('; '));
  return { warnings: findings.filter(({ severity }) => severity === 'danger').map(say) };
}

/** For a person. */
export function retentionOf(config: Readonly<Record<string, string | undefined>>): string {
  const ms = numberOf(config['retention.ms']);
  const bytes = numberOf(config['retention.bytes']);
  const kept = ms === Infinity ? 'indefinitely' : `${Math.round((ms / DAY_MS) * 10) / 10} days`;
  return bytes === Infinity ? kept : `${kept}, at most ${bytes} bytes a partition`;
}

/** Without bound where it is not known, or -1. */
function numberOf(text: string | undefined): number {
  return text === undefined || text === '' || Number(text) < 0 ? Infinity : Number(text);
}
