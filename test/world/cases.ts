/**
 * Changes of the world × moments of the pipeline, each checked by the oracle. A case is a line or two:
 *
 *     worldTest([
 *       { what: 'a column is added', change: ({ pipeline }, n) => pipeline.pool.query(`ALTER TABLE … ADD c${n} text`) },
 *       { what: 'the key is dropped', change: …, fresh: true, expect: { stopped: /is not unique/ } },
 *     ]);
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { WORKFLOWS } from '../../domain/names';
import { insertOrders } from '../../dev/orders/insert-orders';
import { startWorkflows, type Harness, type HarnessOptions } from '../faults/harness';
import { sideBySide, type Lane, type LaneWith } from '../faults/side-by-side';
import { pause } from '../faults/unlanded';
import { KAFKA } from '../helpers/kafka-frames';
import { eventually } from '../helpers/pipeline';
import type { Point } from '../helpers/proxy';
import { remember, violations, type Expected, type Snapshot } from '../../dev/oracle';

/** When a change comes; the rows before it have landed but for those that the moment holds. */
const MOMENTS = [
  'before the start',
  'while idle',
  'between poll and publish',
  'between claim and land',
  'while paused',
  'after a restart',
] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Case {
  /** Part of the test's name. */
  what: string;
  /** `n` differs each time, for names of columns and roles. What it returns is added to what is expected. */
  change(harness: Harness, n: number): Promise<unknown>;
  /** Default: all. */
  moments?: readonly Moment[];
  /** Default: every row lands, and both workflows run on. */
  expect?: Expected | ((moment: Moment, harness: Harness) => Expected);
  /** After the change; default: some orders are inserted. */
  goOn?(harness: Harness): Promise<unknown>;
  /** After the oracle: runs the remedy. All rows, and some more, have to be where they belong then. */
  mend?(harness: Harness, n: number): Promise<unknown>;
  /** After the oracle, before the next moment on the same pipeline. Workflows that have stopped are started again. */
  undo?(harness: Harness, n: number): Promise<unknown>;
  /** Each moment has a pipeline of its own, because the change cannot come twice or be undone. */
  fresh?: boolean;
  overrides?: HarnessOptions['overrides'];
}

/** More than 2,000 bytes when they are read, see {@link HELD_AT}. */
const ROWS = 60;

/**
 * Requests that stand between the fixing of a batch and its work. An answer to Fetch without records has some 100 bytes.
 */
const HELD_AT: Partial<Record<Moment, Point>> = {
  'between poll and publish': { apiKey: KAFKA.produce, when: 'before' },
  'between claim and land': { apiKey: KAFKA.fetch, when: 'after', minBytes: 2_000 },
};

/** Runs the cases as tests. Those that are not `fresh` share a pipeline, but for the moment before the start. */
export function worldTest(cases: Case[], timeoutMs?: number): void {
  sideBySide(lanesOf(cases), timeoutMs);
}

/** The lanes, for a suite that has others beside them. */
export function lanesOf(cases: Case[]): LaneWith[] {
  const shared: Lane = {};
  const own: LaneWith[] = [];
  let n = 0;
  for (const one of cases) {
    for (const moment of one.moments ?? MOMENTS) {
      const number = ++n;
      const name = `${one.what}, ${moment}`;
      const run = (harness: Harness) => checked(harness, one, moment, number);
      const { overrides } = one;
      if (moment !== 'before the start' && one.fresh !== true && overrides === undefined) shared[name] = run;
      else {
        const begin = moment !== 'before the start';
        own.push({
          lane: { [name]: run },
          options: { begin, ...(overrides === undefined ? {} : { overrides }) },
        });
      }
    }
  }
  return Object.keys(shared).length === 0 ? own : [{ lane: shared, options: {} }, ...own];
}

/** What the tables of a pipeline held before each change so far. */
const remembered = new WeakMap<Harness, Snapshot[]>();

async function checked(harness: Harness, one: Case, moment: Moment, n: number): Promise<void> {
  const expected = typeof one.expect === 'function' ? one.expect(moment, harness) : (one.expect ?? {});
  const earlier = remembered.get(harness) ?? [];
  remembered.set(harness, earlier);
  const change = async () => {
    earlier.push(await remember(harness, expected));
    await one.change(harness, n);
  };
  await at(moment, harness, change, expected.foreign);
  const { pipeline } = harness;
  await (one.goOn === undefined ? insertOrders(pipeline.pool, ROWS) : one.goOn(harness));
  const held = { ...expected, earlier: [...earlier, ...(expected.earlier ?? [])] };
  expect(await violations(harness, held)).toEqual([]);
  if (one.mend !== undefined) {
    await one.mend(harness, n);
    await insertOrders(pipeline.pool, ROWS);
    expect(await violations(harness, without('stopped', held))).toEqual([]);
  }
  if (one.undo === undefined) return;
  await one.undo(harness, n);
  await startWorkflows(harness.client);
}

function without<K extends keyof Expected>(key: K, expected: Expected): Omit<Expected, K> {
  const rest = { ...expected };
  delete rest[key];
  return rest;
}

/** Brings the pipeline to the moment, makes the change and lets it go on. */
export async function at(
  moment: Moment,
  harness: Harness,
  change: () => Promise<unknown>,
  foreign: string[] = [],
): Promise<void> {
  const { pipeline, client, proxies } = harness;
  const insert = () => insertOrders(pipeline.pool, ROWS);
  const point = HELD_AT[moment];
  if (moment === 'before the start') {
    await insert();
    await change();
    await eventually(() => startWorkflows(client));
  } else if (point !== undefined) {
    const reached = proxies.kafka.at(point);
    await insert();
    await reached;
    // What the batch holds on to, a lock say, is let go when its attempt fails; the change need not wait for longer.
    const changing = change();
    await Promise.race([changing.catch(() => undefined), sleep(2_000)]);
    proxies.kafka.cut();
    await changing;
  } else {
    await insert();
    await landed(harness, foreign);
    if (moment === 'while idle') await change();
    else if (moment === 'while paused') await whilePaused();
    else {
      await harness.workers.kill();
      await change();
      harness.workers = await harness.moreWorkers();
    }
  }

  async function whilePaused(): Promise<void> {
    const handles = Object.values(WORKFLOWS).map(({ id }) => client.workflow.getHandle(id));
    await Promise.all(handles.map(pause));
    await insert();
    await change();
    await Promise.all(handles.map((handle) => handle.signal('resume')));
  }
}

/** Nothing is in the way of the change: all rows have landed. */
async function landed(harness: Harness, foreign: string[]): Promise<void> {
  const earlier = remembered.get(harness) ?? [];
  expect(await violations(harness, { earlier, foreign })).toEqual([]);
}
