/** An HTTP proxy before an S3 server that does what networks and stores do: lose answers, be busy, break off, be slow, race. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

type Weather =
  /** The server has done it, and nobody is told. */
  | 'answer lost'
  /** The server is not asked: 503 SlowDown. */
  | 'busy'
  /** The server is not asked: 409, as of a conditional write that is under way. */
  | 'conflict'
  /** Half of the answer's body, then the end of the connection. */
  | 'half'
  /** Half of the answer's body, then nothing. */
  | 'stalled'
  /** The request is taken and nothing comes. */
  | 'silent'
  /** Each answer comes 0.5 s later. */
  | 'slow'
  /** What the store refuses as taken is told to be written. */
  | 'ignores conditions'
  /** The same, where several came at once. */
  | 'races';

export interface S3Front {
  url: string;
  /** So many of the next requests that match meet this weather. */
  next(weather: Weather, options?: { times?: number; method?: string; key?: RegExp }): void;
  /** How many requests there were. */
  requests(): number;
  close(): Promise<void>;
}

export async function s3Front(target: string): Promise<S3Front> {
  const rules: { weather: Weather; left: number; method: string | undefined; key: RegExp }[] = [];
  let requests = 0;
  const open = new Map<string, { others: number }>();
  const server = createServer((incoming, answer) => {
    requests += 1;
    const rule = rules.find(
      ({ left, method = incoming.method, key }) =>
        left > 0 && method === incoming.method && key.test(incoming.url ?? ''),
    );
    if (rule !== undefined) rule.left -= 1;
    const { url = '' } = incoming;
    const together = open.get(url) ?? { others: -1 };
    together.others += 1;
    open.set(url, together);
    const alone = () => together.others === 0;
    void forward(target, incoming, answer, { weather: rule?.weather, alone })
      .catch(() => answer.destroy())
      .finally(() => open.delete(url));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    next: (weather, { times = 1, method, key = /./ } = {}) =>
      void rules.push({ weather, left: times, method, key }),
    requests: () => requests,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function forward(
  target: string,
  incoming: IncomingMessage,
  answer: ServerResponse,
  { weather, alone }: { weather: Weather | undefined; alone: () => boolean },
): Promise<void> {
  const body = await bytesOf(incoming);
  if (weather === 'silent') return;
  if (weather === 'busy') return void refuse(answer, 503, 'SlowDown');
  if (weather === 'conflict') return void refuse(answer, 409, 'ConditionalRequestConflict');
  if (weather === 'slow') await sleep(500);
  const { method, headers, url = '/' } = incoming;
  // The Host that was signed goes on, though it is ours.
  const upstream = await new Promise<IncomingMessage>((resolve, reject) => {
    request(new URL(url, target), { method, headers }, resolve).once('error', reject).end(body);
  });
  const content = await bytesOf(upstream);
  if (weather === 'answer lost') return void answer.destroy();
  const { statusCode = 500 } = upstream;
  const lies = weather === 'ignores conditions' || (weather === 'races' && !alone());
  if (lies && statusCode === 412) return void answer.writeHead(200).end();
  answer.writeHead(statusCode, upstream.headers);
  if (weather !== 'half' && weather !== 'stalled') return void answer.end(content);
  answer.write(content.subarray(0, content.length / 2), () => {
    if (weather === 'half') answer.destroy();
  });
}

function refuse(answer: ServerResponse, status: number, code: string): void {
  answer
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(
      `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`,
    );
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
