/** A catalog that is asked over HTTP, by Iceberg's REST protocol: it keeps the metadata itself, and is told what to change. */
import { parse, stringify } from 'lossless-json';
import { mainSnapshotId, parseExactly, requireVersion, type TableMetadata } from '../metadata';
import type { Catalog, LoadedTable } from './catalog';

interface RestOptions {
  /** Without the `/v1` at which its paths begin. */
  uri: string;
  warehouse?: string | undefined;
  namespace: string;
  table: string;
  /** A bearer token, or what one is asked for with. */
  token?: string | undefined;
  oauth?:
    | { clientId: string; clientSecret: string; scope?: string | undefined; uri?: string | undefined }
    | undefined;
}

interface Answer {
  status: number;
  text: string;
}

/** An answer takes no longer: a commit writes one file. */
const TIMEOUT_MS = 30_000;

export function restCatalog(options: RestOptions): Catalog {
  const { namespace, table } = options;
  const base = options.uri.replace(/\/+$/, '');
  const name = `${namespace}.${table}`;
  let token = options.token;
  let prefix: string | undefined;

  const request = async (method: string, path: string, body?: string): Promise<Answer> => {
    const send = async () => {
      const response = await ask(`${base}/v1${path}`, {
        method,
        headers: {
          'content-type': 'application/json',
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
        ...(body !== undefined && { body }),
      });
      return { status: response.status, text: await response.text() };
    };
    if (token === undefined && options.oauth !== undefined) token = await newToken(base, options.oauth);
    const answer = await send();
    // The token's time is over. Nothing was done by a request that was refused.
    if (answer.status !== 401 || options.oauth === undefined) return answer;
    token = await newToken(base, options.oauth);
    return send();
  };

  const must = (what: string, { status, text }: Answer, ...allowed: number[]): string => {
    if (status >= 200 && status < 300) return text;
    if (allowed.includes(status)) return text;
    throw new Error(`the Iceberg catalog ${base} answers ${status} to ${what}: ${text.slice(0, 500)}`);
  };

  const at = async (path: string): Promise<string> => {
    if (prefix === undefined) {
      const query =
        options.warehouse === undefined ? '' : `?warehouse=${encodeURIComponent(options.warehouse)}`;
      const config = parse(must('config', await request('GET', `/config${query}`))) as {
        overrides?: { prefix?: string };
        defaults?: { prefix?: string };
      };
      const told = config.overrides?.prefix ?? config.defaults?.prefix;
      prefix = told === undefined ? '' : `/${encodeURIComponent(told)}`;
    }
    return `${prefix}${path}`;
  };
  // The levels of a namespace are parted by this character.
  const inNamespace = `/namespaces/${encodeURIComponent(namespace.split('.').join('\u001f'))}`;
  const thisTable = `${inNamespace}/tables/${encodeURIComponent(table)}`;

  const load = async (): Promise<LoadedTable | undefined> => {
    const answer = await request('GET', await at(thisTable));
    if (answer.status === 404) return undefined;
    return loadedFrom(must(`loading ${name}`, answer));
  };

  const create = async (next: TableMetadata): Promise<boolean> => {
    const levels = JSON.stringify({ namespace: namespace.split('.'), properties: {} });
    must('creating the namespace', await request('POST', await at('/namespaces'), levels), 409);
    const body = {
      name: table,
      location: next.location,
      schema: next.schemas[0],
      'partition-spec': next['partition-specs'][0],
      'write-order': next['sort-orders'][0],
      properties: next.properties,
    };
    const answer = await request('POST', await at(`${inNamespace}/tables`), JSON.stringify(body));
    must(`creating ${name}`, answer, 409);
    return answer.status !== 409;
  };

  return {
    name: `${base} ${name}`,
    load,
    async commit(before, next) {
      if (before === undefined) return create(next);
      const body = stringify({
        identifier: { namespace: namespace.split('.'), name: table },
        requirements: requirementsOf(before.metadata),
        updates: updatesFor(before.metadata, next),
      });
      const answer = await request('POST', await at(thisTable), body);
      // 409: another was faster. Anything else, 5xx among it, may have been carried out or not.
      must(`committing to ${name}`, answer, 409);
      return answer.status !== 409;
    },
  };
}

async function ask(uri: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(uri, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    // What happened stands in the cause.
    const { cause = error } = error as Error;
    throw new Error(`the Iceberg catalog at ${uri} does not answer: ${String(cause)}`, { cause: error });
  }
}

async function newToken(base: string, oauth: NonNullable<RestOptions['oauth']>): Promise<string> {
  const uri = oauth.uri ?? `${base}/v1/oauth/tokens`;
  const response = await ask(uri, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: oauth.clientId,
      client_secret: oauth.clientSecret,
      scope: oauth.scope ?? 'catalog',
    }),
  });
  const answer = (await response.json().catch(() => ({}))) as { access_token?: string };
  if (!response.ok || answer.access_token === undefined)
    throw new Error(
      `${uri} gives no token for client ${oauth.clientId}: it answers ${response.status}. ` +
        'Look at client_id and client_secret of datalake.iceberg.catalog',
    );
  return answer.access_token;
}

function loadedFrom(text: string): LoadedTable {
  const answer = parseExactly(text) as { metadata: TableMetadata; 'metadata-location': string };
  const location = answer['metadata-location'];
  return { metadata: requireVersion(answer.metadata, location), location };
}

const mainOf = (metadata: TableMetadata) => {
  const id = mainSnapshotId(metadata);
  return id === undefined || id === null || Number(id) < 0 ? null : id;
};

function requirementsOf(base: TableMetadata): object[] {
  return [
    { type: 'assert-table-uuid', uuid: base['table-uuid'] },
    { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': mainOf(base) },
  ];
}

/** What the catalog has to do to come from one to the other: snapshots that came and went, the main branch, properties. */
function updatesFor(base: TableMetadata, next: TableMetadata): object[] {
  const idsOf = ({ snapshots }: TableMetadata) => (snapshots ?? []).map((one) => one['snapshot-id']);
  const [old, now] = [new Set(idsOf(base)), new Set(idsOf(next))];
  const updates: object[] = (next.snapshots ?? [])
    .filter((one) => !old.has(one['snapshot-id']))
    .map((snapshot) => ({ action: 'add-snapshot', snapshot }));
  const main = mainOf(next);
  if (main !== null && main !== mainOf(base))
    updates.push({ action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': main });
  const gone = [...old].filter((id) => !now.has(id));
  if (gone.length > 0) updates.push({ action: 'remove-snapshots', 'snapshot-ids': gone });
  const changed = Object.entries(next.properties).filter(([key, value]) => base.properties[key] !== value);
  if (changed.length > 0) updates.push({ action: 'set-properties', updates: Object.fromEntries(changed) });
  const removed = Object.keys(base.properties).filter((key) => !(key in next.properties));
  if (removed.length > 0) updates.push({ action: 'remove-properties', removals: removed });
  return updates;
}
