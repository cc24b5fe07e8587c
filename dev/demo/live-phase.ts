import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { Settings } from '../../configs/schema';
import type { Checked } from './check';
import { drain } from './drain';
import type { Interrupt } from './interrupt';
import { LakeWatch } from './lake-watch';
import { LiveOrders } from './live-orders';
import { LiveView } from './live-view';
import { NO_FLOW, type Flow, type Pipeline } from './pipeline';
import { clock } from './print';
import type { Workers } from '../workers';

/** Often enough to look alive; each look is a query that a worker answers. */
const ASK_EVERY_MS = 1_000;
const SHOW_EVERY_MS = 250;
/** Freshness that is shown while orders flow. */
const RECENT_S = 60;

export interface LiveOptions {
  pool: Pool;
  settings: Settings;
  pipeline: Pipeline;
  workers: Workers;
  interrupt: Interrupt;
  perSecond: number;
  /** How long to insert orders; `undefined`: until Ctrl-C. */
  seconds: number | undefined;
  /** Rows that the table held before the demo, and those it was filled with. */
  before: { rows: number; filled: number };
}

/** Inserts orders and shows how they pass; then waits for the last ones and checks. */
export async function runLive(options: LiveOptions): Promise<{
  result: Checked;
  freshness: ReturnType<LakeWatch['freshness']>;
}> {
  const { pool, settings, pipeline, workers, interrupt, before, perSecond, seconds } = options;
  const watch = await LakeWatch.open(settings.datalake);
  const live = new LiveOrders({
    pool,
    table: settings.postgres.table,
    perSecond,
    first: before.rows + before.filled + 1,
    onInserted: (ids, sentAt) => watch.expect(ids, sentAt),
  });
  const view = new LiveView();
  const begin = Date.now();
  let doing = `${perSecond} orders a second, until ${seconds === undefined ? 'Ctrl-C' : clock(seconds)}`;
  let latest: Flow = NO_FLOW;
  const flow = async () => (latest = await pipeline.flow());
  const figures = () => ({
    ...latest,
    seconds: (Date.now() - begin) / 1000,
    doing,
    inserted: before.filled + live.inserted,
    freshness: watch.freshness(RECENT_S),
    troubles: [...(live.trouble === undefined ? [] : [live.trouble]), ...latest.troubles],
  });

  const ended = new AbortController();
  const noMore = new AbortController();
  const inserting = live.run(noMore.signal);
  const failing = [
    inserting,
    watch.run(ended.signal),
    workers.ended.then((how) => Promise.reject(workers.explain(`The workers ended by themselves (${how})`))),
    every(SHOW_EVERY_MS, ended.signal, () => interrupt.leaving || view.show(figures())),
  ];
  const asking = every(ASK_EVERY_MS, noMore.signal, flow);
  const timeout = seconds === undefined ? [] : [sleep(seconds * 1000, undefined, { ref: false })];
  try {
    await Promise.race([...failing, asking, interrupt.whenAsked(), ...timeout]);
    doing = 'no more orders; the last ones are under way';
    noMore.abort();
    await Promise.all([inserting, asking]);
    interrupt.nowLeave();
    const draining = drain({ settings, watch, flow });
    const result = await Promise.race([draining, ...failing.slice(1).map(orFail)]);
    doing = 'all have arrived';
    return { result, freshness: watch.freshness() };
  } finally {
    noMore.abort();
    ended.abort();
    if (!interrupt.leaving) view.end(figures());
  }
}

async function every(pauseMs: number, signal: AbortSignal, work: () => unknown): Promise<void> {
  while (!signal.aborted) {
    await work();
    await sleep(pauseMs);
  }
}

/** Only its failure counts. */
async function orFail(background: Promise<unknown>): Promise<never> {
  await background;
  return new Promise<never>(() => undefined);
}
