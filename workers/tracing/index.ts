import { setTimeout as sleep } from 'node:timers/promises';
import type { Attributes } from '@opentelemetry/api';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Otlp } from '../../configs/otlp';
import { formatTraceparent, parseTraceparent } from '../../domain/trace-context';
import type { Log, Trace } from '../../ports';
import { TracedActivities } from './activities';
import { createProvider } from './exporter';
import { currentIds, currentScope, runAsStep } from './scope';

/** A worker that stops waits no longer for a collector. */
const CLOSE_MS = 2_000;

/** What makes the traces of this process. */
export interface Tracing {
  /** Outermost of the interceptors, so that what they log has the ids. */
  interceptor: ActivityInterceptorsFactory;
  /** For adapters, by the system that they speak to. */
  of(system: string): Trace;
  /** Runs a call as a step, as `Trace.step` does, whatever it returns. */
  call(system: string, name: string, call: () => unknown): unknown;
  /** Sends what is left, for 2 s at most. */
  close(): Promise<void>;
}

/** Loaded and made only where traces are on. */
export async function createTracing(
  otlp: Otlp,
  options: { ratio: number; resource: Attributes; log: Log },
): Promise<Tracing> {
  const provider = await createProvider(otlp, options);
  const activities = new TracedActivities(provider.getTracer('orders-stream'));
  return {
    interceptor: activities.interceptor,
    of: (system) => ({
      joins: true,
      current() {
        const here = currentIds();
        return here && formatTraceparent(here);
      },
      join(traceparent) {
        const found = parseTraceparent(traceparent);
        if (found !== undefined) currentScope()?.join(found);
      },
      step: (name, work) => runAsStep(system, name, work) as ReturnType<typeof work>,
    }),
    call: runAsStep,
    async close() {
      const shutdown = provider.shutdown().catch(() => undefined);
      await Promise.race([shutdown, sleep(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}
