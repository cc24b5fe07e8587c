import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { kafkaFrames, type Frame } from './kafka-frames';
import type { Proxy } from './proxy';

export type Side = 'request' | 'response';

/** A slow line passes this often on what has come through. */
const TRICKLE_MS = 50;

/** One client's connection through a proxy and its counterpart to the server. */
export class Link {
  readonly ended: Promise<void>;
  readonly #released: (() => void)[] = [];
  /** For good: a stream of which a part was swallowed makes no sense afterwards. */
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
    this.ended = Promise.all([client, upstream].map((socket) => this.#end(socket))).then(() => undefined);
  }

  /** Nothing passes any more, not even the news that one side has hung up. */
  swallow(): void {
    this.#swallowing = true;
  }

  destroy(): void {
    this.client.destroy();
    this.upstream.destroy();
    for (const release of this.#released) release();
  }

  #end(socket: Socket): Promise<void> {
    socket.on('error', () => undefined);
    return new Promise((resolve) =>
      socket.once('close', () => {
        if (!this.#swallowing) this.destroy();
        resolve();
      }),
    );
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
    if (this.#swallowing) return;
    const trap = this.proxy.trapFor(side, frame);
    if (trap !== undefined) {
      await new Promise<void>((release) => {
        this.#released.push(release);
        trap.spring({ release });
      });
    }
    const bytes = side === 'response' ? this.proxy.redirect(frame) : frame.bytes;
    await (this.proxy.slowness === undefined ? this.#write(to, bytes) : this.#trickle(to, bytes));
  }

  async #trickle(to: Socket, bytes: Buffer): Promise<void> {
    await sleep(this.proxy.slowness?.delayMs ?? 0);
    for (let at = 0; at < bytes.length;) {
      const { slowness } = this.proxy;
      const piece = slowness === undefined ? bytes.length : (slowness.bytesPerSecond * TRICKLE_MS) / 1_000;
      if (at > 0 && slowness !== undefined) await sleep(TRICKLE_MS);
      const end = at + Math.max(1, Math.round(piece));
      await this.#write(to, bytes.subarray(at, end));
      at = end;
    }
  }

  async #write(to: Socket, bytes: Buffer): Promise<void> {
    if (this.#swallowing || to.destroyed) return;
    if (!to.write(bytes))
      await Promise.race([new Promise((resolve) => to.once('drain', resolve)), this.ended]);
  }
}

const plainChunks = (bytes: Buffer): Frame[] => [{ bytes, apiKey: undefined }];
