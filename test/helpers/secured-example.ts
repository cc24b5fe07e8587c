/** The example of secured servers, read out of docs/security.md, so that the tests use what users copy. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AclOperationTypes, AclResourceTypes } from 'kafkajs';
import { parse } from 'yaml';
import type { Overrides } from '../../dev/stack/fresh-pipeline';

const page = (name: string) => readFileSync(join(__dirname, '../../docs', name), 'utf8');
const [, text = ''] = /<!-- secured -->([^]*)<!-- \/secured -->/.exec(page('security.md')) ?? [];
const block = (language: string) =>
  [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map(([, code]) => code).join('\n');

/** What the example adds to the settings, with the directory of the certificates and the password filled in. */
export function exampleSettings(directory: string, password: string): Pick<Overrides, 'postgres' | 'kafka'> {
  const filled = block('yaml').replaceAll('/etc/orders', directory).replaceAll('${KAFKA_PASSWORD}', password);
  return parse(filled) as Pick<Overrides, 'postgres' | 'kafka'>;
}

/** Temporal's variables. */
export function exampleEnvironment(directory: string): Record<string, string> {
  const found = [...block('sh').matchAll(/(TEMPORAL_TLS_\w+)=(\S+)/g)];
  return Object.fromEntries(
    found.map(([, name, value]) => [name!, value!.replaceAll('/etc/orders', directory)]),
  );
}

/** The GRANTs of a first start. */
export const exampleGrants = [...page('operations.md').matchAll(/^ *(GRANT .*;)$/gm)].map(
  ([, grant]) => grant!,
);

/** A right as the example grants it with kafka-acls. */
export interface Grant {
  operation: string;
  resource: string;
  name: string;
  optional: boolean;
}

export const exampleRights: Grant[] = [...block('sh').matchAll(/^acl (--.*)$/gm)].flatMap(([, line = '']) => {
  const [, resource = '', name = ''] = /--(topic|group|transactional-id|cluster)(?: +([^\s#]+))?/.exec(line)!;
  return [...line.matchAll(/--operation (\w+)/g)].map(([, operation = '']) => ({
    operation,
    resource,
    name,
    optional: line.includes('# optional'),
  }));
});

const OPERATIONS: Record<string, AclOperationTypes> = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
};

const RESOURCES: Record<string, AclResourceTypes> = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional-id': AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
};

/** The same for Kafka's protocol. */
export const protocolNames = ({ operation, resource, name }: Grant) => ({
  operation: OPERATIONS[operation]!,
  resourceType: RESOURCES[resource]!,
  resourceName: resource === 'cluster' ? 'kafka-cluster' : name,
});
