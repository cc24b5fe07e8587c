/** What monitoring reads, asked by somebody who means ill: refused, ended, and served to others meanwhile. */
import { connect, type Socket } from 'node:net';
import { serveEndpoint } from '../../workers/endpoint';

jest.setTimeout(30_000);

let url: URL;
const open: Socket[] = [];

beforeAll(async () => {
  const served = await serveEndpoint({
    host: '127.0.0.1',
    port: 0,
    metrics: () => Promise.resolve('a_metric 1\n'),
    ready: () => Promise.resolve(),
  });
  url = new URL(served);
});
afterAll(() => open.forEach((socket) => socket.destroy()));

/** Sends bytes; resolves, once the other side has closed, with what came back. */
function send(bytes: Buffer | string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    open.push(socket);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}
const metrics = () => send('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');

test.each([
  ['bytes that are no HTTP', Buffer.alloc(1_000, 0xff), /^HTTP\/1\.1 400 /],
  [
    'headers of 100 KB',
    `GET /metrics HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`,
    /^HTTP\/1\.1 431 /,
  ],
  [
    'two lengths',
    'GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a path out of the root',
    'GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 404 /,
  ],
  [
    'a NUL in the path',
    'GET /metrics\0 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
])('%s: refused', async (_, bytes, answer) => {
  expect(await send(bytes)).toMatch(answer);
  expect(await metrics()).toContain('a_metric 1\n');
});

test('who sends nothing, half of a request, or too many of them, is ended within seconds', async () => {
  const begun = Date.now();
  const slow = Promise.all([send(''), send('GET /metrics HTT')]);
  const many = Array.from({ length: 200 }, () => send('GET /metrics HTT'));
  await Promise.race(many);
  for (const answer of await slow) expect(answer).toMatch(/^HTTP\/1\.1 408 |^$/);
  await Promise.all(many);
  expect(Date.now() - begun).toBeLessThan(15_000);
  expect(await metrics()).toContain('a_metric 1\n');
});
