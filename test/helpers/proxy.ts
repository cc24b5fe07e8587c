/**
 * A TCP proxy that stands between a worker and a server and does what networks do: pass, cut, swallow (half-open),
 * slow down. For Kafka it reads the frames, so that a test can act at a chosen request or answer, with nothing in the
 * product.
 */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { rewriteAddress, type Frame } from './kafka-frames';
import { Link, type Side } from './proxy-link';

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

interface Trap extends Point {
  spring(held: Held): void;
}

/** A bad line: each piece comes late, and no faster than this. */
export interface Slowness {
  delayMs: number;
  bytesPerSecond: number;
}

export class Proxy {
  readonly #links = new Set<Link>();
  readonly #traps = new Set<Trap>();
  readonly #server: Server;
  /** What becomes of new connections. */
  mode: 'pass' | 'refuse' | 'swallow' = 'pass';
  slowness: Slowness | undefined;

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

  /** All connections are dead from now on, and neither side is told; so are new ones, until `heal`. */
  halfOpen(): void {
    this.mode = 'swallow';
    for (const link of this.#links) link.swallow();
  }

  /** New connections pass again, at full speed. One that is half-open stays so, as it would in a real network. */
  heal(): void {
    this.mode = 'pass';
    this.slowness = undefined;
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
    this.mode = 'refuse';
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
    if (this.mode === 'swallow') link.swallow();
    this.#links.add(link);
    void link.ended.then(() => this.#links.delete(link));
  }
}
