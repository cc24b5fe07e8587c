import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Home } from '../home';
import { findExecutable } from '../system/find-executable';
import { runStep } from '../system/run-step';
import { versions } from '../versions';
import type { ServerContext, ServerDefinition } from './definition';
import { installJars, jarsArePresent, kafkaDirectory } from './kafka-jars';
import { renderProperties } from './kafka-properties';
import { requestKafka } from './kafka-request';

/** In its directory, where Kafka is started: properties are read as Latin-1, and a path may hold other characters, or commas. */
const PROPERTIES = 'server.properties';

/** Without it, where no locale is set, Java does not start in a directory whose path has other characters than ASCII. */
const UTF8 = { LC_ALL: 'C.UTF-8' };

export const kafka: ServerDefinition = {
  name: 'kafka',
  ports: ['clients', 'controller'],
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 30_000,

  missingTools() {
    const neededFor = `Kafka ${versions.kafka}`;
    const java = {
      name: 'java',
      neededFor,
      install: 'a JDK or JRE, version 17 or newer, e.g. openjdk-17-jre-headless',
    };
    const maven = {
      name: 'mvn',
      neededFor: `fetching ${neededFor}, once`,
      install: 'Apache Maven, e.g. the package maven',
    };
    return [...(findJava() ? [] : [java]), ...(jarsArePresent() || findExecutable('mvn') ? [] : [maven])];
  },

  async prepare(context) {
    const { home } = context;
    const jars = await installJars(home.logFile('kafka-fetch'), context.onProgress);
    const directory = join(home.directory, 'kafka');
    mkdirSync(directory, { recursive: true });
    home.update('kafka', { dataDirectory: directory });
    const { ports, settings } = home.get('kafka');
    writeFileSync(join(directory, PROPERTIES), renderProperties({ data: 'data', ports, more: settings }));
    if (!existsSync(join(directory, 'data'))) await format(context, jars);
    const args = [...javaOptions(jars), '-Xms128m', '-Xmx512m', 'kafka.Kafka', PROPERTIES];
    return { command: findJava() ?? 'java', args, cwd: directory, env: UTF8 };
  },

  request: ({ home }) => requestKafka(brokers(home)),

  remedy: (log) =>
    /UnsupportedClassVersionError|Unable to locate a Java Runtime/.test(log)
      ? 'Kafka 4 needs Java 17 or newer: install it and let JAVA_HOME or the PATH lead to it.'
      : undefined,
};

export function brokers(home: Home): string {
  const port = home.get('kafka').ports['clients'];
  return port === undefined ? '' : `127.0.0.1:${port}`;
}

export function findJava(): string | undefined {
  const fromHome = process.env['JAVA_HOME'] && join(process.env['JAVA_HOME'], 'bin', 'java');
  return fromHome && existsSync(fromHome) ? fromHome : findExecutable('java');
}

function javaOptions(jars: string): string[] {
  return [
    ...['-cp', join(jars, '*')],
    `-Dlog4j2.configurationFile=${join(kafkaDirectory, 'log4j2.properties')}`,
    '-Djava.awt.headless=true',
  ];
}

/** As Kafka's own ids, never with a leading dash: one in 64 would, and be taken for an option. */
export function randomClusterId(): string {
  return randomBytes(16).toString('base64url').replace(/^-/, 'A');
}

/** Gives the data directory its identity. Under another name first: an interrupted one must not pass for finished. */
async function format(context: ServerContext, jars: string): Promise<void> {
  context.onProgress('Kafka: making its data directory, once');
  const { home } = context;
  const directory = join(home.directory, 'kafka');
  const making = join(directory, 'data.making');
  rmSync(making, { recursive: true, force: true });
  const { ports, settings, secret: clusterId = randomClusterId() } = home.get('kafka');
  const makingProperties = 'format.properties';
  writeFileSync(
    join(directory, makingProperties),
    renderProperties({ data: 'data.making', ports, more: settings }),
  );
  const fast = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];
  await runStep({
    title: 'Kafka: formatting',
    command: findJava() ?? 'java',
    args: [
      ...fast,
      ...javaOptions(jars),
      'kafka.tools.StorageTool',
      'format',
      '-t',
      clusterId,
      '-c',
      makingProperties,
    ],
    cwd: directory,
    env: UTF8,
    logFile: home.logFile('kafka'),
    onProgress: context.onProgress,
  });
  rmSync(join(directory, makingProperties));
  renameSync(making, join(directory, 'data'));
}
