/** Where the time of the last batches went, by the oldest order of each: those that came after it had to wait less. */
import { parseTimestamp } from './watermark';

/** Seconds from created_at of a window's oldest row until the window was in the topic; none below 0. */
export interface WindowTimes {
  /** Behind somebody's transaction or lock. */
  held: number;
  /** Behind older rows: the window is as large as windows get. */
  backlog: number;
  /** Else until the poll that saw it. */
  wait: number;
  /** Reading the window and writing it to Kafka. */
  publish: number;
}

/** Seconds from created_at of a batch's oldest order until the batch was in the ledger; none below 0. */
export interface BatchTimes {
  /** Until its message was sent: what {@link WindowTimes} says more of. */
  capture: number;
  /** In the topic, behind earlier messages: more of them waited than the batch took. */
  backlog: number;
  /** Else in the topic, until landing began. */
  claim: number;
  /** Reading, validating, writing files. */
  land: number;
  /** The ledger entry, and the group's offsets. */
  commit: number;
}

type Times = WindowTimes | BatchTimes;
type PartOf<T> = T extends unknown ? Extract<keyof T, string> : never;

interface Spread {
  p50: number;
  max: number;
}

/** For `status`; seconds. */
export interface Freshness<T extends Times> {
  batches: number;
  total: Spread;
  parts: Record<PartOf<T>, Spread>;
  /** What took more than half of the slowest one's time; absent where nothing did. */
  mostly?: { part: PartOf<T>; seconds: number };
}

/** What a poll has found, as far as it tells the time. */
interface Polled {
  /** The database's clock. */
  clock: string;
  /** created_at of the window's oldest row; absent from a worker of an earlier version. */
  oldest?: string | undefined;
  heldSeconds?: number | undefined;
  more: boolean;
}

/** `undefined` where the poll did not say how old the window is. The age is by the database's clock, the rest by Temporal's. */
export function windowTimes(
  { clock, oldest, heldSeconds = 0, more }: Polled,
  publishMs: number,
): WindowTimes | undefined {
  if (oldest === undefined) return undefined;
  const age = seconds(millisOf(clock) - millisOf(oldest));
  const held = Math.min(age, seconds(heldSeconds * 1000));
  const rest = seconds((age - held) * 1000);
  return { held, backlog: more ? rest : 0, wait: more ? 0 : rest, publish: seconds(publishMs) };
}

/** Moments of a batch, in milliseconds since 1970, by the clocks of the database, the capture worker, and Temporal. */
export interface BatchMoments {
  created: string;
  sent: number;
  begun: number;
  landed: number;
  committed: number;
  /** There was more to land than it took. */
  more: boolean;
}

export function batchTimes({ created, sent, begun, landed, committed, more }: BatchMoments): BatchTimes {
  const waited = seconds(begun - sent);
  return {
    capture: seconds(sent - millisOf(created)),
    backlog: more ? waited : 0,
    claim: more ? 0 : waited,
    land: seconds(landed - begun),
    commit: seconds(committed - landed),
  };
}

/** created_at of the oldest order in these files; `undefined` where there is none. */
export function oldestIn(files: readonly { first?: { createdAt: string } }[]): string | undefined {
  return files
    .flatMap(({ first }) => first?.createdAt ?? [])
    .sort()
    .at(0);
}

/** `undefined` where there are none. */
export function freshnessOf<T extends Times>(times: readonly T[] = []): Freshness<T> | undefined {
  const [first] = times;
  if (first === undefined) return undefined;
  const parts = Object.keys(first) as PartOf<T>[];
  const of = (one: T, part: PartOf<T>) => Number(one[part]);
  const totalOf = (one: T) => seconds(parts.reduce((sum, part) => sum + of(one, part) * 1000, 0));
  const slowest = times.reduce((a, b) => (totalOf(b) > totalOf(a) ? b : a));
  const most = parts.find((part) => of(slowest, part) > totalOf(slowest) / 2);
  return {
    batches: times.length,
    total: spread(times.map(totalOf)),
    parts: Object.fromEntries(
      parts.map((part) => [part, spread(times.map((one) => of(one, part)))]),
    ) as Freshness<T>['parts'],
    mostly: most === undefined ? undefined : { part: most, seconds: of(slowest, most) },
  };
}

const WHERE: Record<PartOf<Times>, string> = {
  held: 'behind an open transaction or a lock',
  backlog: 'in a backlog',
  wait: 'until a poll saw it',
  publish: 'in publishing',
  capture: 'before it was in the topic',
  claim: 'in the topic until landing began',
  land: 'in landing',
  commit: 'in the commit to the ledger',
};

/** `last 20 batches: oldest order in the lake after 0.4 s (p50), at most 2.1 s, 1.8 s of it in landing`; no line for nothing. */
export function describeFreshness<T extends Times>(
  freshness: Freshness<T> | undefined,
  { one, many, where }: { one: string; many: string; where: string },
): string[] {
  if (freshness === undefined) return [];
  const { batches, total, mostly } = freshness;
  const which = batches === 1 ? one : `${batches} ${many}`;
  const blame = mostly === undefined ? '' : `, ${duration(mostly.seconds)} of it ${WHERE[mostly.part]}`;
  return [
    `last ${which}: oldest order ${where} after ${duration(total.p50)} (p50), ` +
      `at most ${duration(total.max)}${blame}`,
  ];
}

/** With the unit that a person would take; what was inserted with an old created_at is days old. */
function duration(length: number): string {
  if (length < 120) return `${length.toFixed(1)} s`;
  if (length < 7_200) return `${Math.round(length / 60)} min`;
  return length < 172_800 ? `${Math.round(length / 3_600)} h` : `${Math.round(length / 86_400)} days`;
}

function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** Whole milliseconds, which clocks tell; where two clocks differ a part might be below 0. */
const seconds = (millis: number): number => Math.max(0, Math.round(millis)) / 1000;

const millisOf = (timestamp: string): number => Number(parseTimestamp(timestamp) ?? 0n) / 1000;
