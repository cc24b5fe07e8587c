/**
 * PostgreSQL and Kafka as a careful operator runs them, on a stack of their own: TLS, passwords as SCRAM, nothing allowed
 * that was not granted. The plain ports stay, for the stack and for the test as administrator.
 */
import { chownSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AclPermissionTypes, Kafka, logLevel, ResourcePatternTypes, type Admin } from 'kafkajs';
import { Client } from 'pg';
import { connectionOf } from '../../dev/stack/fresh-pipeline';
import { Home } from '../../dev/stack/home';
import { findJava } from '../../dev/stack/servers/kafka';
import { installJars } from '../../dev/stack/servers/kafka-jars';
import { findFreePort } from '../../dev/stack/system/ports';
import { runStep } from '../../dev/stack/system/run-step';
import type { StackAddresses } from '../../dev/stack';
import { ownStack } from '../../dev/torture/own-stack';
import type { Certificate, Authority } from './certificates';
import { eventually } from './pipeline';
import { protocolNames, type Grant } from './secured-example';

/** Names of the example in docs/security.md. */
export const KAFKA_USER = 'orders';
export const PLAIN_USER = 'orders-plain';
export const POSTGRES_ROLE = 'capture';
export const PASSWORD = 'secret-of+a=test';

export interface SecuredServers {
  /** As owner of everything, without TLS. */
  addresses: StackAddresses;
  /** Kafka's listener for SASL over TLS. */
  brokers: string;
  admin: Admin;
  /** Of {@link KAFKA_USER}. */
  grant(right: Grant): Promise<void>;
  withdraw(right: Grant): Promise<void>;
  destroy(): Promise<void>;
}

/** @param keys a directory for what the servers need to read */
export async function securedServers(
  keys: string,
  authority: Authority,
  certificate: Certificate,
): Promise<SecuredServers> {
  const directory = mkdtempSync(join(tmpdir(), 'orders-stream-secured-'));
  const [clients, controller, secured] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const home = Home.open({ home: directory });
  // Chosen here, because the listeners' addresses are among the settings.
  home.update('kafka', { ports: { clients, controller } });
  const keystore = join(keys, 'keystore.pem');
  writeFileSync(keystore, certificate.key + certificate.cert);
  const listeners = `PLAINTEXT://127.0.0.1:${clients},SASL_SSL://127.0.0.1:${secured}`;
  const stack = await ownStack({
    home: directory,
    servers: ['postgres', 'kafka'],
    kafkaProperties: {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controller}`,
      'advertised.listeners': listeners,
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': keystore,
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      ...loginModules(),
      // Logins must be renewed meanwhile, as in clouds.
      'connections.max.reauth.ms': '15000',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'allow.everyone.if.no.acl.found': 'false',
      'super.users': 'User:ANONYMOUS',
    },
  });
  const admin = new Kafka({ brokers: [stack.addresses.KAFKA_BROKERS], logLevel: logLevel.NOTHING }).admin();
  await Promise.all([
    admin.connect(),
    // One at a time: Kafka takes no two credentials of a user in one request.
    ...['SCRAM-SHA-256', 'SCRAM-SHA-512'].map((mechanism) =>
      addScramUser(Home.open({ home: directory }), stack.addresses.KAFKA_BROKERS, mechanism),
    ),
    securePostgres(Home.open({ home: directory }), stack.addresses, authority, certificate),
  ]);
  const aclOf = (right: Grant) => ({
    ...protocolNames(right),
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: `User:${KAFKA_USER}`,
    host: '*',
    permissionType: AclPermissionTypes.ALLOW,
  });
  return {
    addresses: stack.addresses,
    brokers: `127.0.0.1:${secured}`,
    admin,
    grant: async (right) => void (await admin.createAcls({ acl: [aclOf(right)] })),
    withdraw: async (right) => void (await admin.deleteAcls({ filters: [aclOf(right)] })),
    async destroy() {
      await admin.disconnect();
      await stack.destroy();
    },
  };
}

function loginModules(): Record<string, string> {
  const common = 'org.apache.kafka.common.security';
  const plain = `${common}.plain.PlainLoginModule required user_${PLAIN_USER}="${PASSWORD}";`;
  const of = (mechanism: string, module: string) => [
    `listener.name.sasl_ssl.${mechanism}.sasl.jaas.config`,
    module,
  ];
  return Object.fromEntries([
    of('plain', plain),
    ...['scram-sha-256', 'scram-sha-512'].map((name) =>
      of(name, `${common}.scram.ScramLoginModule required;`),
    ),
  ]) as Record<string, string>;
}

/** By Kafka's own tool, as an operator does. */
async function addScramUser(home: Home, brokers: string, mechanism: string): Promise<void> {
  const nothing = () => undefined;
  const logFile = home.logFile(`kafka-configs-${mechanism}`);
  const jars = await installJars(logFile, nothing);
  await runStep({
    title: 'kafka-configs',
    command: findJava() ?? 'java',
    args: [
      ...['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', join(jars, '*'), 'kafka.admin.ConfigCommand'],
      ...['--bootstrap-server', brokers, '--alter', '--entity-type', 'users', '--entity-name', KAFKA_USER],
      ...['--add-config', `${mechanism}=[password=${PASSWORD}]`],
    ],
    cwd: home.directory,
    logFile,
    onProgress: nothing,
  });
}

/** TLS, and for everybody but the owner: only TLS with a client certificate and a password. */
async function securePostgres(
  home: Home,
  addresses: StackAddresses,
  { ca }: Authority,
  { cert, key }: Certificate,
): Promise<void> {
  const data = join(home.get('postgres').dataDirectory!, 'data');
  const { uid, gid } = statSync(data);
  const rules = [
    `host all ${addresses.PGUSER} 127.0.0.1/32 scram-sha-256`,
    'hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca',
  ];
  const files = {
    'server.crt': cert,
    'server.key': key,
    'root.crt': ca,
    'pg_hba.conf': rules.join('\n') + '\n',
  };
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(data, name), content, { mode: 0o600 });
    chownSync(join(data, name), uid, gid);
  }
  const owner = new Client({ ...connectionOf(addresses), ssl: false });
  await owner.connect();
  try {
    await owner.query(`ALTER SYSTEM SET ssl_ca_file = 'root.crt'`);
    await owner.query('ALTER SYSTEM SET ssl = on');
    // pg leaves a connection open whose login it gives up itself, and DROP DATABASE would wait a minute for it.
    await owner.query(`ALTER SYSTEM SET authentication_timeout = '5s'`);
    await owner.query('SELECT pg_reload_conf()');
    await owner.query(`CREATE ROLE ${POSTGRES_ROLE} LOGIN PASSWORD '${PASSWORD}'`);
    await eventually(async () => {
      const { rows } = await owner.query<{ ssl: string }>('SHOW ssl');
      if (rows[0]?.ssl !== 'on') throw new Error('ssl is not on yet');
    });
  } finally {
    await owner.end();
  }
}
