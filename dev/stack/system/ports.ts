import { randomInt } from 'node:crypto';
import { createServer, connect } from 'node:net';

/**
 * Ports are taken from below the range that systems give to outgoing connections (from 32768 on Linux, 49152 on
 * macOS). Inside it, a client that retries while its server is down can be given the server's own port as its
 * local one and connect to itself: it then blocks the port for the restarting server.
 */
const lowest = 15_000;
const highest = 30_000;

/** Whether a server could listen on that loopback port now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A free port, at random: stacks that start at the same moment would otherwise find the same one. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt++) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new Error(`No free port on 127.0.0.1 between ${lowest} and ${highest}`);
}

/** Whether something accepts connections there. */
export function accepts(host: string, port: number, timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (answer: boolean): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish(false));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
  });
}
