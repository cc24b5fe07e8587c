/**
 * Servers as a careful operator runs them: TLS everywhere, passwords, and no right but those that the documentation lists. Settings,
 * GRANTs, ACLs and variables are those of docs/security.md and docs/operations.md, read out of them.
 */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import type { Client } from '@temporalio/client';
import { topicOptions } from '../../adapters/kafka';
import { inspectKafka } from '../../adapters/kafka/admin/inspect';
import { createOrdersSource } from '../../adapters/postgres';
import { examineKafka } from '../../cli/doctor/kafka';
import type { Settings } from '../../configs/schema';
import { loadTemporal } from '../../configs/temporal';
import { WORKFLOWS } from '../../domain/names';
import { insertOrders } from '../../dev/orders/insert-orders';
import { connect } from '../../workers/connect';
import { startCollector, type Collector } from '../../dev/traces/collector';
import type { Workers } from '../../dev/workers';
import type { Authority } from '../helpers/certificates';
import { eventually, servers, type FreshPipeline } from '../helpers/pipeline';
import { expectFailure } from '../helpers/expect-failure';
import { ordersCli, startWorkers } from '../helpers/processes';
import { exampleEnvironment, exampleGrants, exampleRights, type Grant } from '../helpers/secured-example';
import * as secured from '../helpers/secured-servers';
import type { TlsFront } from '../helpers/tls-front';
import { expectExactlyOnce } from '../helpers/exactly-once';
import { expectNothingShown, watchedBy } from '../helpers/leaks';
import { readAll, wholeWay } from '../helpers/whole-way';
import { SILENT } from '../helpers/telemetry';
import {
  API_KEY,
  LOCAL,
  TOPIC,
  needed,
  securedPipeline,
  type SecuredPipeline,
} from '../helpers/secured-pipeline';

jest.setTimeout(120_000);

const isWriteOnTopic = ({ resource, operation }: Grant) => resource === 'topic' && operation === 'Write';

let suite: SecuredPipeline;
let keys: string;
let strangersKeys: string;
let authority: Authority;
let stranger: Authority;
let stack: secured.SecuredServers;
let temporal: TlsFront;
let strangersCli: Promise<unknown>;
let pipeline: FreshPipeline;
let client: Client;
let workers: Workers | undefined;
let collector: Collector;

beforeAll(async () => {
  collector = await startCollector();
  suite = await securedPipeline();
  ({ keys, strangersKeys, authority, stranger, stack, temporal, strangersCli, pipeline, client } = suite);
});
afterAll(async () => {
  await workers?.kill();
  await suite?.dispose();
  await collector?.close();
});

test('the example is found in the documentation', () => {
  expect(exampleGrants).toHaveLength(2);
  expect(exampleRights.map(({ resource, operation }) => `${operation} ${resource}`)).toEqual([
    'Read topic',
    'Write topic',
    'Create topic',
    'Write transactional-id',
    'Read group',
    'Read group',
    'DescribeConfigs topic',
    'DescribeConfigs cluster',
  ]);
  expect(Object.keys(exampleEnvironment(''))).toHaveLength(3);
});

describe('the whole pipeline', () => {
  test('runs over TLS with just these rights', async () => {
    await insertOrders(pipeline.pool, 2_000);
    workers = await startWorkers({ ...pipeline, env: { ...pipeline.env, ...watchedBy(collector) } });
    await ordersCli(pipeline, 'start');
    expect(await expectExactlyOnce(pipeline)).toBe(2_000);
    const [doctor, status, verify] = await Promise.all(
      ['doctor', 'status', 'verify'].map((command) => ordersCli(pipeline, command)),
    );
    expect(doctor!.stdout).toMatch(/PostgreSQL +table and rights +fine/);
    expect(doctor!.stdout).toMatch(/Kafka +rights +fine/);
    expect(doctor!.stdout).toMatch(/Temporal +queue orders-land +fine/);
    expect(doctor!.stdout).not.toContain('BROKEN');
    // For the rest there are the two optional rights.
    expect(doctor!.stdout.match(/(?<=^Kafka +)\S.*(?= +WARNING)/gm)).toEqual([
      expect.stringMatching(/^topic settings/),
      expect.stringMatching(/^broker settings/),
    ]);
    expect(status!.stdout).toMatch(/polling: 2000 rows[^]*claiming: 1900 rows landed, 100 quarantined/);
    expect(verify!.stdout).toMatch(/^equal: verified/m);
  });

  test('ends with a clear message when a right is taken away, and goes on when it is back', async () => {
    const right = needed.find(isWriteOnTopic)!;
    await stack.withdraw(right);
    await insertOrders(pipeline.pool, 20);
    const capture = client.workflow.getHandle(WORKFLOWS.captureOrders.id);
    const failure: unknown = await capture.result().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      cause: {
        cause: {
          type: 'InsufficientPrivilege',
          message: expect.stringMatching(/publishing window 2 .*doctor` names it/) as string,
        },
      },
    });
    await expect(ordersCli(pipeline, 'start')).rejects.toMatchObject({
      stderr: expect.stringContaining(`lacks Write on topic ${TOPIC}`) as string,
    });
    await stack.grant(right);
    await ordersCli(pipeline, 'start');
    expect(await expectExactlyOnce(pipeline)).toBe(2_020);
  });

  test('neither a secret nor a field of a row is where others than their owners look', async () => {
    await expectNothingShown(suite, workers!, collector);
    await workers!.stop();
  });
});

describe('Kafka', () => {
  const OTHER = 'another_topic';
  const kafka = (changes: Partial<Settings['kafka']> = {}): Settings['kafka'] => ({
    ...pipeline.settings.kafka,
    topic: OTHER,
    ...changes,
  });
  const rightsMissing = async (settings = kafka()) =>
    (await inspectKafka(topicOptions(settings, SILENT))).missing;
  /** The rights for another topic, so that the pipeline's own is left as it is. */
  const rights = needed.map((right) => ({ ...right, name: right.name.replace(TOPIC, OTHER) }));

  beforeAll(async () => {
    for (const right of rights) await stack.grant(right);
    await eventually(() => wholeWay(kafka()));
  });

  test('each of the rights is needed, and the pipeline and the doctor say which is missing', async () => {
    expect(await rightsMissing()).toEqual([]);
    for (const right of rights) {
      const { operation, resource, name } = right;
      if (operation === 'Create') await stack.admin.deleteTopics({ topics: [OTHER] });
      await stack.withdraw(right);
      await eventually(async () => expect(await rightsMissing()).toEqual([{ operation, resource, name }]));
      await expectFailure(
        `${operation} on ${resource}`,
        ['InsufficientPrivilege', /AUTHORIZATION_FAILED.*`npm run orders -- doctor` names it/],
        wholeWay(kafka()),
      );
      await stack.grant(right);
      await eventually(() => wholeWay(kafka()));
    }
  });

  test('the doctor names all rights to one who has none, with the commands that grant them', async () => {
    const sasl = { mechanism: 'plain', username: secured.PLAIN_USER, password: secured.PASSWORD } as const;
    const findings = await examineKafka({ ...pipeline.settings, kafka: kafka({ sasl }) });
    const { toDo } = findings.find(({ about }) => about === 'rights')!;
    // Whether the topic is to be made cannot be seen.
    for (const { operation, resource, name } of rights.filter((right) => right.operation !== 'Create'))
      expect(toDo).toContain(
        `--allow-principal User:${secured.PLAIN_USER} --operation ${operation} --${resource} ${name}`,
      );
  });

  test('with the optional rights too the doctor finds nothing wanting', async () => {
    for (const right of exampleRights.filter(({ optional }) => optional))
      await stack.grant({ ...right, name: right.name.replace(TOPIC, OTHER) });
    await eventually(async () => {
      const findings = await examineKafka({ ...pipeline.settings, kafka: kafka() });
      expect(findings.filter(({ grade }) => grade !== 'fine')).toEqual([]);
    });
  });

  test('offsets that are gone are a DataLoss here too', async () => {
    const { partition, high } = (await stack.admin.fetchTopicOffsets(OTHER)).find((p) => p.high !== '0')!;
    expect(await readAll(kafka(), {})).toBeGreaterThan(0);
    await stack.admin.deleteTopicRecords({ topic: OTHER, partitions: [{ partition, offset: high }] });
    await expectFailure('read', ['DataLoss', /are gone/], readAll(kafka(), {}));
  });

  test.each(['scram-sha-256', 'scram-sha-512'] as const)('takes a login by %s', async (mechanism) => {
    await wholeWay(kafka({ sasl: { mechanism, username: secured.KAFKA_USER, password: secured.PASSWORD } }));
  });

  test('says what is wrong with a login, a certificate or a listener', async () => {
    const expired = createServer(await authority.issue(LOCAL, new Date(1e12)));
    await new Promise<void>((resolve) => expired.listen(0, LOCAL, resolve));
    const { username, password } = { username: secured.KAFKA_USER, password: 'another' };
    const plain = [stack.addresses.KAFKA_BROKERS];
    const refused: [string, RegExp] = ['InvalidSettings', /the login was refused; correct the kafka section/];
    const untrusted: [string, RegExp] = ['InvalidSettings', /give the certificate .* as kafka\.ssl\.ca/];
    const listener: [string, RegExp] = ['transient', /if it goes on, kafka\.ssl or kafka\.sasl is not what/];
    const cases: Record<string, [changes: Partial<Settings['kafka']>, expected: [string, RegExp]]> = {
      'password, scram': [{ sasl: { mechanism: 'scram-sha-512', username, password } }, refused],
      'password, plain': [{ sasl: { mechanism: 'plain', username, password } }, refused],
      'another authority': [{ ssl: { ca: stranger.ca } }, untrusted],
      'no authority': [{ ssl: true }, untrusted],
      'another name': [
        { brokers: [stack.brokers.replace(LOCAL, 'localhost')] },
        ['InvalidSettings', /certificate is for other names/],
      ],
      expired: [
        { brokers: [`${LOCAL}:${(expired.address() as AddressInfo).port}`] },
        ['transient', /outside its dates: have it renewed/],
      ],
      'no TLS': [{ ssl: false }, listener],
      'no login': [{ sasl: undefined }, listener],
      'neither TLS nor login': [{ ssl: false, sasl: undefined }, listener],
      'TLS to a listener without': [{ brokers: plain, sasl: undefined }, listener],
      'login to a listener without': [{ brokers: plain, ssl: false }, listener],
    };
    for (const [name, [changes, expected]] of Object.entries(cases)) {
      await expectFailure(name, expected, wholeWay(kafka(changes)));
      const [finding] = await examineKafka({ ...pipeline.settings, kafka: kafka(changes) });
      expect([name, finding?.grade, finding?.found]).toEqual([
        name,
        'broken',
        expect.stringMatching(expected[1]),
      ]);
    }
    await new Promise((resolve) => expired.close(resolve));
  });
});

test('PostgreSQL: says what is wrong with a login or a certificate', async () => {
  const { ssl } = pipeline.settings.postgres as { ssl: { ca: string; cert: string; key: string } };
  const { PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE } = servers();
  const noTls = { host: PGHOST, port: Number(PGPORT), user: PGUSER, password: PGPASSWORD, db: PGDATABASE };
  const untrusted = /give the certificate .* as postgres\.ssl\.ca/;
  const cases: Record<string, [changes: Partial<Settings['postgres']>, expected: RegExp]> = {
    password: [{ password: 'another' }, /Check postgres\.user and postgres\.password/],
    'no password': [{ password: '' }, /Set postgres\.password/],
    'another authority': [{ ssl: { ...ssl, ca: stranger.ca } }, untrusted],
    'no authority': [{ ssl: true }, untrusted],
    'another name': [{ host: 'localhost' }, /certificate is for other names/],
    'no TLS': [{ ssl: false }, /no encryption. Check postgres\.user, postgres\.ssl and pg_hba\.conf/],
    'no client certificate': [{ ssl: { ca: ssl.ca } }, /client certificate. Check .*postgres\.ssl/],
    'not its key': [
      { ssl: { ...ssl, key: (await stranger.issue(LOCAL)).key } },
      /postgres\.ssl\.key is not the key of postgres\.ssl\.cert/,
    ],
    'TLS to a server without': [{ ...noTls, ssl: true }, /Set postgres\.ssl to false, or switch ssl on/],
  };
  // Where settings have none, pg takes this.
  delete process.env['PGPASSWORD'];
  try {
    for (const [name, [changes, message]] of Object.entries(cases)) {
      const postgres = { ...pipeline.settings.postgres, ...changes };
      const source = createOrdersSource({ ...pipeline.settings, postgres }, SILENT);
      await expectFailure(name, ['InvalidSettings', message], source.check());
      await source.close();
    }
  } finally {
    process.env['PGPASSWORD'] = PGPASSWORD;
  }
});

test('Temporal: says what is wrong with a certificate or a key', async () => {
  const good = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_API_KEY: API_KEY, ...exampleEnvironment(keys) };
  const onlyKey = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_API_KEY: API_KEY };
  const ca = { TEMPORAL_TLS_SERVER_CA_CERT_PATH: join(keys, 'ca.pem') };
  const strangers = { ...good, ...exampleEnvironment(strangersKeys) };
  const clientCertificate = /TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH\.$/;
  const cases: Record<string, [env: Record<string, string>, message: RegExp]> = {
    'another authority': [strangers, /as TEMPORAL_TLS_SERVER_CA_CERT_PATH\.$/],
    'no authority': [onlyKey, /as TEMPORAL_TLS_SERVER_CA_CERT_PATH\.$/],
    'another client': [{ ...strangers, ...ca }, clientCertificate],
    'no client certificate': [{ ...onlyKey, ...ca }, clientCertificate],
    'another key': [{ ...good, TEMPORAL_API_KEY: 'another' }, /refuses the login: check TEMPORAL_API_KEY/],
    'no TLS': [{ TEMPORAL_ADDRESS: temporal.address }, /it speaks TLS: set TEMPORAL_TLS_SERVER_CA_CERT_PATH/],
    'TLS to a server without': [
      { ...good, TEMPORAL_ADDRESS: servers().TEMPORAL_ADDRESS },
      /it speaks no TLS: unset TEMPORAL_TLS/,
    ],
    nobody: [{ ...good, TEMPORAL_ADDRESS: '127.0.0.1:1' }, /does not answer .* or set TEMPORAL_ADDRESS\.$/],
  };
  for (const [name, [env, message]] of Object.entries(cases)) {
    await expectFailure(name, ['transient', message], connect(loadTemporal(env)));
  }
  expect(() => loadTemporal({ ...good, TEMPORAL_TLS_SERVER_CA_CERT_PATH: '/nowhere' })).toThrow(
    /Temporal’s own settings.*\/nowhere/,
  );
  expect(await strangersCli).toMatchObject({
    code: 2, // of status: it cannot be told
    stderr: expect.stringMatching(/cannot be used: .* as TEMPORAL_TLS_SERVER_CA_CERT_PATH\./) as string,
  });
});
