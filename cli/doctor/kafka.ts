import { topicOptions } from '../../adapters/kafka';
import {
  inspectKafka,
  type KafkaFacts,
  type TopicFacts,
  checkPartitionCount,
  validateSettings,
  retentionOf,
  TRANSACTION_TIMEOUT_MS,
} from '../../adapters/kafka/admin';
import { describeOpenTransaction } from '../../domain/open-transaction';
import type { Settings } from '../../configs/schema';
import { Findings, number, type Finding } from './finding';
import { examineBootstrap, examineInternal, examineReplicas } from './kafka-replicas';
import { COMMAND_TELEMETRY } from '../telemetry';

/** Capture renews its record daily, so this is how long all workers may be stopped. */
const SHORT_OFFSETS_DAYS = 30;

export async function examineKafka({ kafka }: Settings): Promise<Finding[]> {
  const findings = new Findings('Kafka');
  const facts = await findings.look(
    'brokers',
    'start them, or correct KAFKA_BROKERS, kafka.ssl and kafka.sasl, or the way there (the brokers’ advertised.listeners too)',
    () => inspectKafka(topicOptions(kafka, COMMAND_TELEMETRY)),
  );
  if (facts === undefined) return findings.all;
  const where = `${kafka.brokers.join(', ')}: ${facts.brokers.length} in the cluster`;
  if (facts.newEnough) findings.fine('brokers', `${where}, Kafka 2.5 or newer`);
  else findings.broken('brokers', `${where}, older than Kafka 2.5`, 'upgrade them');
  examineBootstrap(findings, kafka, facts);

  if (facts.topic === undefined) {
    if (!facts.topicIsHidden) examineMissing(findings, kafka, facts);
  } else await examineTopic(findings, kafka, facts, facts.topic);
  for (const transaction of facts.heldBy) {
    const { partition, abort } = transaction;
    findings.transient(`partition ${partition}`, describeOpenTransaction(transaction), abort);
  }
  examineInternal(findings, facts);
  examineBrokers(findings, facts.brokerConfig);
  examineRights(findings, kafka, facts);
  return findings.all;
}

function examineRights(
  findings: Findings,
  kafka: Settings['kafka'],
  { missing, trouble, progress }: KafkaFacts,
): void {
  if (trouble !== undefined) {
    findings.transient('rights', trouble.message, 'nothing, if it passes; else see the replicas above');
    return;
  }
  if (missing.length === 0) {
    const record =
      progress === undefined ? 'no window published yet' : `window ${progress.sequence} published`;
    findings.fine('rights', `read, write and transactions allowed; ${record}`);
    return;
  }
  const ofCertificate = typeof kafka.ssl === 'object' && kafka.ssl.cert !== undefined;
  const user = kafka.sasl?.username ?? (ofCertificate ? '<name in kafka.ssl.cert>' : 'ANONYMOUS');
  const lacks = missing.map(({ operation, resource, name }) => `${operation} on ${resource} ${name}`);
  const commands = missing.map(
    ({ operation, resource, name }) =>
      `kafka-acls --add --allow-principal User:${user} --operation ${operation} --${resource} ${name}`,
  );
  findings.broken(
    'rights',
    `InsufficientPrivilege: user ${user} lacks ${lacks.join(', ')}`,
    commands.join('; '),
  );
}

function examineMissing(findings: Findings, kafka: Settings['kafka'], { brokers }: KafkaFacts): void {
  const { topic, num_partitions: partitions, replication_factor: replicas } = kafka;
  if (replicas > brokers.length)
    findings.broken(
      'topic',
      `${topic} does not exist, and ${replicas} replicas need as many brokers; there are ${brokers.length}`,
      'bring the missing brokers back, or lower kafka.replication_factor',
    );
  else
    findings.fine(
      'topic',
      `${topic} does not exist; capture creates it (partitions ${partitions}, replicas ${replicas})`,
    );
}

async function examineTopic(
  findings: Findings,
  kafka: Settings['kafka'],
  { brokers, topicConfig }: KafkaFacts,
  topic: TopicFacts,
): Promise<void> {
  const counted = await findings.look('topic', '', () => {
    checkPartitionCount(topicOptions(kafka, COMMAND_TELEMETRY), topic.partitions);
    return Promise.resolve(true);
  });
  const more =
    topic.partitions > kafka.num_partitions
      ? ` (kafka.num_partitions ${kafka.num_partitions} is the least)`
      : '';
  if (counted) findings.fine('topic', `${kafka.topic}, partitions ${topic.partitions}${more}`);
  examineReplicas(findings, topic, { brokers: brokers.length, topicConfig });
  if (Object.keys(topicConfig).length === 0) {
    findings.warning(
      'topic settings',
      'cannot be seen',
      `grant DescribeConfigs on topic ${kafka.topic}, to have size limit and retention checked`,
    );
    return;
  }
  examineSettings(findings, kafka, topicConfig);
}

function examineSettings(
  findings: Findings,
  kafka: Settings['kafka'],
  config: KafkaFacts['topicConfig'],
): void {
  const wrong = validateSettings(topicOptions(kafka, COMMAND_TELEMETRY), config);
  for (const { severity, setting, found, why, mend } of wrong) {
    const text = `${found}: ${why}`;
    if (severity === 'refusal') findings.broken(setting, text, mend);
    else findings.warning(setting, text, mend);
  }
  const mentioned = new Set(wrong.map(({ setting }) => setting));
  if (!mentioned.has('max.message.bytes'))
    findings.fine('max.message.bytes', config['max.message.bytes'] ?? 'not known');
  if (!mentioned.has('retention') && !mentioned.has('cleanup.policy'))
    findings.fine('retention', retentionOf(config));
}

function examineBrokers(findings: Findings, config: Record<string, string>): void {
  const minutes = number(config['offsets.retention.minutes']);
  const longest = number(config['transaction.max.timeout.ms']);
  if (minutes === undefined || longest === undefined) {
    findings.warning(
      'broker settings',
      'cannot be seen',
      'grant DescribeConfigs on the cluster, or make sure of offsets.retention.minutes and transaction.max.timeout.ms',
    );
    return;
  }
  const days = minutes / (24 * 60);
  if (days < SHORT_OFFSETS_DAYS)
    findings.warning(
      'offsets.retention.minutes',
      `${minutes} (${Math.round(days * 10) / 10} days)`,
      'raise it, say to 5256000: workers that stop for longer lose the record of how far capture came',
    );
  else findings.fine('offsets.retention.minutes', `${minutes} (${Math.round(days)} days)`);
  if (longest < TRANSACTION_TIMEOUT_MS)
    findings.broken(
      'transaction.max.timeout.ms',
      String(longest),
      `raise it to ${TRANSACTION_TIMEOUT_MS} or more`,
    );
  else findings.fine('transaction.max.timeout.ms', String(longest));
}
