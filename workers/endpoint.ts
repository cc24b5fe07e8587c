import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A scrape that takes longer is of no use; Prometheus gives up after 10 s. */
const ANSWER_MS = 5_000;

/** More than anybody who watches needs; each takes memory. */
const MOST_CONNECTIONS = 32;

interface EndpointOptions {
  host: string;
  /** 0: one that is free. */
  port: number;
  /** In the text format of Prometheus. */
  metrics: (signal: AbortSignal) => Promise<string>;
  /** Resolves where this process can take work; rejects with why not. */
  ready: () => Promise<void>;
}

/**
 * Serves what monitoring reads of a process: `/metrics`, `/healthz` (it lives: its event loop turns) and `/readyz` (it is
 * connected to Temporal and asks for work). All can be read by whoever reaches the address: figures, and no row.
 * Resolves with its URL; rejects where the address is taken or is not this machine's.
 */
export async function serveEndpoint(options: EndpointOptions): Promise<string> {
  // Slow readers and writers must not pile up.
  const limits = {
    requestTimeout: ANSWER_MS,
    headersTimeout: ANSWER_MS,
    connectionsCheckingInterval: 1_000,
  };
  const server = createServer(limits, (request, response) => {
    void answer(options, request, response);
  });
  server.maxConnections = MOST_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port }, resolve);
  });
  server.on('error', () => undefined);
  // A worker that is to stop does not wait for who watches it.
  server.unref();
  const { address, port } = server.address() as AddressInfo;
  return `http://${authorityOf(address, port)}`;
}

/** Host and port as a URL has them. */
export function authorityOf(host: string, port: number): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

async function answer(
  options: EndpointOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [status, body] = await bodyOf(options, request);
  const isMetrics = status === 200 && pathOf(request) === '/metrics';
  response.writeHead(status, {
    'Content-Type': isMetrics ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain; charset=utf-8',
    'Cache-Control': 'no-store',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

const pathOf = ({ url = '/' }: IncomingMessage) => url.split('?', 1).join();

async function bodyOf(
  { metrics, ready }: EndpointOptions,
  request: IncomingMessage,
): Promise<[status: number, body: string]> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'only GET and HEAD\n'];
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    switch (pathOf(request)) {
      case '/healthz':
        return [200, 'ok\n'];
      case '/readyz':
        await ready();
        return [200, 'ok\n'];
      case '/metrics':
        return [200, await metrics(signal)];
      default:
        return [404, 'there are /metrics, /healthz and /readyz\n'];
    }
  } catch (error) {
    return [503, `${(error as Error).message}\n`];
  }
}
