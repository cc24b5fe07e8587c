/** Kafka's own commands, run as they stand in a message. */
import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { installJars } from '../../dev/stack/servers/kafka-jars';
import { findJava } from '../../dev/stack/servers/kafka';

const CLASSES: Record<string, string> = {
  'kafka-acls.sh': 'kafka.admin.AclCommand',
  'kafka-configs.sh': 'kafka.admin.ConfigCommand',
  'kafka-consumer-groups.sh': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-topics.sh': 'org.apache.kafka.tools.TopicCommand',
  'kafka-transactions.sh': 'org.apache.kafka.tools.TransactionsCommand',
};

/** The commands in a message; one ends where the sentence goes on. */
export function kafkaCommandsIn(message: string): string[] {
  return message.match(/kafka-[a-z]+\.sh (?:--|[a-zA-Z])\S*(?: [^\s;()]*[^\s;().,:])*/g) ?? [];
}

/** Runs a command as a shell would; rejects where it fails. */
export async function runKafkaTool(command: string | undefined): Promise<string> {
  expect(command).toMatch(/^kafka-[a-z]+\.sh /);
  const jars = await installJars(join(tmpdir(), 'kafka-tools.log'), () => undefined);
  const line = command!.replace(/^\S+/, (tool) => {
    const java = `"${findJava() ?? 'java'}" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC`;
    return `${java} -cp "${join(jars, '*')}" ${CLASSES[tool] ?? 'unknown'}`;
  });
  const { stdout, stderr } = await promisify(execFile)('sh', ['-c', line]);
  return stdout + stderr;
}
