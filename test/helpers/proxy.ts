/**
 * A TCP proxy that stands between a worker and a server and does what networks do: pass, cut, swallow (half-open),
 * delay. For Kafka it reads the frames, so that a test can act at a chosen request or answer, with nothing in the product.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaFrames, rewriteAddress, type Frame } from './kafka-frames';

/** Where to act: `before`, the request is not forwarded; `after`, the server has done it but its answer is held back. */
export interface Point {
  apiKey: number;
  when: 'before' | 'after';
  /** Smaller frames pass. For Fetch: an answer without records has some 100 bytes. */
  minBytes?: number;
}

/** What is held at a point that was reached. */
export interface Held {
  /** Sends on what was held, and all that came after it. */
  release(): void;
}

type Side = 'request' | 'response';
interface Trap extends Point {
  spring(held: Held): void;
}

export class Proxy {
  readonly #links = new Set<Link>();
  readonly #traps = new Set<Trap>();
  readonly #server: Server;
  mode: 'pass' | 'refuse' | 'swallow' = 'pass';
  delayMs = 0;

  private constructor(
    private readonly target: { host: string; port: number },
    readonly kafka: boolean,
  ) {
    this.#server = createServer((client) => this.#accept(client));
  }

  /** In front of `host:port`; `kafka` also sends clients back to the proxy when the broker tells its own address. */
  static async listen(target: string, options: { kafka?: boolean } = {}): Promise<Proxy> {
    const [host = '', port = ''] = target.split(':');
    const proxy = new Proxy({ host, port: Number(port) }, options.kafka ?? false);
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Ends all connections; new ones are treated as `mode` says. */
  cut(): void {
    for (const link of this.#links) link.destroy();
  }

  /** Calls `act` in the very moment the point is reached, once; resolves then, with what is held. */
  at(point: Point, act: () => void = () => undefined): Promise<Held> {
    return new Promise((resolve) => {
      const trap: Trap = {
        ...point,
        spring: (held) => {
          this.#traps.delete(trap);
          act();
          resolve(held);
        },
      };
      this.#traps.add(trap);
    });
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The trap that a frame springs, if one is set for it. */
  trapFor(side: Side, { apiKey, bytes }: Frame): Trap | undefined {
    const when = side === 'request' ? 'before' : 'after';
    return [...this.#traps].find(
      (trap) => trap.when === when && trap.apiKey === apiKey && bytes.length >= (trap.minBytes ?? 0),
    );
  }

  /** Lets a client go on through the proxy where the broker names itself. */
  redirect(frame: Frame): Buffer {
    return rewriteAddress(frame, this.target, this.port);
  }

  #accept(client: Socket): void {
    if (this.mode === 'refuse') return void client.destroy();
    const link = new Link(this, client, connect({ ...this.target, noDelay: true }));
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
  }
}

/** One client's connection and its counterpart. */
class Link {
  readonly ended: Promise<void>;
  readonly #released: (() => void)[] = [];
  /** Half-open stays so: a stream of which a part was swallowed makes no sense afterwards. */
  #swallowing = false;

  constructor(
    private readonly proxy: Proxy,
    private readonly client: Socket,
    private readonly upstream: Socket,
  ) {
    client.setNoDelay(true);
    const pending = new Map<number, number>();
    this.#pass('request', client, upstream, pending);
    this.#pass('response', upstream, client, pending);
    this.ended = new Promise((resolve) => {
      for (const socket of [client, upstream]) {
        socket.on('error', () => undefined);
        socket.once('close', () => {
          this.destroy();
          resolve();
        });
      }
    });
  }

  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
    for (const release of this.#released) release();
  }

  #pass(side: Side, from: Socket, to: Socket, pending: Map<number, number>): void {
    const split = this.proxy.kafka ? kafkaFrames(side, pending) : plainChunks;
    let last = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      for (const frame of split(chunk)) {
        last = last.then(() => this.#forward(side, frame, to));
      }
      // Nothing piles up here: the sender waits until what it sent was passed on.
      from.pause();
      void last.then(() => from.resume());
    });
  }

  async #forward(side: Side, frame: Frame, to: Socket): Promise<void> {
    if (this.proxy.mode === 'swallow') this.#swallowing = true;
    if (this.#swallowing) return;
    if (this.proxy.delayMs > 0) await sleep(this.proxy.delayMs);
    const trap = this.proxy.trapFor(side, frame);
    if (trap !== undefined) {
      await new Promise<void>((release) => {
        this.#released.push(release);
        trap.spring({ release });
      });
    }
    if (to.destroyed) return;
    const bytes = side === 'response' ? this.proxy.redirect(frame) : frame.bytes;
    if (!to.write(bytes))
      await Promise.race([new Promise((resolve) => to.once('drain', resolve)), this.ended]);
  }
}

const plainChunks = (bytes: Buffer): Frame[] => [{ bytes, apiKey: undefined }];
