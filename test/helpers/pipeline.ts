import type { StackAddresses } from '../../dev/stack';
import * as fresh from '../../dev/stack/fresh-pipeline';

export { ORDERS_TABLE, retrying as eventually, type FreshPipeline } from '../../dev/stack/fresh-pipeline';

/** The servers that the global set-up started. */
export function servers(): StackAddresses {
  const text = process.env['ORDERS_TEST_SERVERS'];
  if (text === undefined) throw new Error('the servers are started by jest’s global set-up');
  return JSON.parse(text) as StackAddresses;
}

/** Their directory, with their data. */
export function serversHome(): string {
  return process.env['ORDERS_TEST_HOME'] ?? '';
}

/** A pipeline of the suite's own: database, topic, lake and state directory, all fresh; dispose of it at the end. */
export const freshPipeline = (overrides?: fresh.Overrides) => fresh.freshPipeline(servers(), overrides);

/** A client of a Temporal namespace of the suite's own. */
export const freshNamespace = (namespace: string, options?: { searchAttributes?: boolean }) =>
  fresh.freshNamespace(servers(), namespace, options);
