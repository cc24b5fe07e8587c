import type { KafkaTopicOptions } from './options';

/** The command line of one of Kafka's own tools, for an operator to run as it stands. */
export function kafkaTool(
  { brokers, ssl, sasl }: Pick<KafkaTopicOptions, 'brokers' | 'ssl' | 'sasl'>,
  tool: string,
  args: string,
): string {
  const secured = (ssl !== undefined && ssl !== false) || sasl !== undefined;
  // The operator's own file: our user has no right to change anything.
  const login = secured ? ' --command-config admin.properties' : '';
  return `${tool} --bootstrap-server ${brokers.join(',')}${login} ${args}`;
}

/** What a topic's settings are advised to be: Kafka's defaults, as `name=value`. */
export const ADVISED = {
  messageBytes: 'max.message.bytes=1048588',
  timestampBefore: 'message.timestamp.before.max.ms=9223372036854775807',
  timestampAfter: 'message.timestamp.after.max.ms=3600000',
} as const;

/** The command that changes settings of the topic: `name=value`, several separated by commas. */
export function configureTopic(
  options: Pick<KafkaTopicOptions, 'brokers' | 'topic' | 'ssl' | 'sasl'>,
  settings: string,
): string {
  const which = `--entity-type topics --entity-name ${options.topic}`;
  return kafkaTool(options, 'kafka-configs.sh', `--alter ${which} --add-config ${settings}`);
}
