/** What workers tell others, as tests read it: lines of their log, and bytes that they sent to a collector. */
import type { Collector } from '../../dev/traces/collector';
import type { Workers } from '../../dev/workers';

export type Line = Record<string, string | number | undefined>;

/** The lines of a log that is JSON. */
export const linesOf = (workers: Workers): Line[] =>
  workers
    .log()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);

/** The lines of one event. */
export const eventsOf = (workers: Workers, name: string): Line[] =>
  linesOf(workers).filter(({ event }) => event === name);

/** All bodies, a character a byte. */
export const sentTo = ({ requests }: Collector): string =>
  Buffer.concat(requests.map(({ body }) => body)).toString('latin1');
