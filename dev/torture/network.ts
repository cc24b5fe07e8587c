/** What networks do to connections, by a proxy in front of a server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Proxy } from '../../test/helpers/proxy';

/** Connections do not live longer than this while the line is cut again and again. */
const CUT_EVERY_MS = 400;

/** Over a bad line: a round trip takes a quarter of a second, 1,000 orders about four seconds. */
const BAD_LINE = { delayMs: 120, bytesPerSecond: 50_000 };

/** Each lasts for some seconds; connections can be made again at once afterwards. */
export const NETWORK_FAULTS = {
  /** Every connection is ended, and soon again. */
  async cut(proxy: Proxy, milliseconds: number, signal?: AbortSignal): Promise<void> {
    const end = Date.now() + milliseconds;
    while (Date.now() < end) {
      proxy.cut();
      await sleep(CUT_EVERY_MS, undefined, { signal });
    }
  },

  /** New connections are turned away too. */
  refused: (proxy: Proxy, milliseconds: number, signal?: AbortSignal) =>
    during(proxy, milliseconds, signal, () => {
      proxy.mode = 'refuse';
      proxy.cut();
    }),

  /** Nothing comes through any more, and nobody is told: each side must notice by itself. */
  'half-open': (proxy: Proxy, milliseconds: number, signal?: AbortSignal) =>
    during(proxy, milliseconds, signal, () => proxy.halfOpen()),

  /** Everything comes through, late and little by little. */
  slow: (proxy: Proxy, milliseconds: number, signal?: AbortSignal) =>
    during(proxy, milliseconds, signal, () => (proxy.slowness = BAD_LINE)),
};

export type NetworkFault = keyof typeof NETWORK_FAULTS;

async function during(
  proxy: Proxy,
  milliseconds: number,
  signal: AbortSignal | undefined,
  begin: () => void,
): Promise<void> {
  begin();
  try {
    await sleep(milliseconds, undefined, { signal });
  } finally {
    proxy.heal();
  }
}
