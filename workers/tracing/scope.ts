import { AsyncLocalStorage } from 'node:async_hooks';
import { performance } from 'node:perf_hooks';
import type { Span } from '@opentelemetry/api';
import type { SpanPlace } from '../../domain/trace-context';
import { isStream } from '../is-stream';

/** A request or an operation below an activity. Times are those of `performance.now()`. */
export interface Step {
  system: string;
  name: string;
  begin: number;
  end?: number;
  failed?: boolean;
  parent?: Step | undefined;
}

/** Where the looks of an activity that waits begin: at the begin or the end of a step of this name. What was before is forgotten. */
export interface Look {
  name: string;
  at: 'begin' | 'end';
}

/** Of one activity; a batch of the largest windows has some hundred requests, and nobody reads more. */
const MOST_STEPS = 100;

/**
 * What one attempt of an activity does, kept until it is known whether and in which trace it is to be shown: a poll knows
 * that at its end, a landing when it meets the first header.
 */
export class Scope {
  steps: Step[] = [];
  omitted = 0;
  begin = performance.now();
  /** The activity's own, once there is one. */
  span: Span | undefined;
  readonly #look: Look | undefined;
  readonly #zero = { wall: Date.now(), mono: this.begin };

  constructor(
    options: { look?: Look | undefined; join?: ((place: SpanPlace, scope: Scope) => void) | undefined } = {},
  ) {
    this.#look = options.look;
    this.join = (place) => options.join?.(place, this);
  }

  readonly join: (place: SpanPlace) => void;

  opened(step: Step): void {
    if (this.#look?.at === 'begin' && this.#look.name === step.name) this.#forget(step.begin);
    if (this.steps.length < MOST_STEPS) this.steps.push(step);
    else this.omitted += 1;
  }

  closed(step: Step, failed: boolean): void {
    step.end = performance.now();
    step.failed = failed;
    if (this.#look?.at === 'end' && this.#look.name === step.name) this.#forget(step.end);
  }

  /** Seconds and nanoseconds since 1970. A difference of two is exact to the microsecond; the clock itself to the millisecond. */
  timeOf(mono: number): [seconds: number, nanos: number] {
    const millis = this.#zero.wall + (mono - this.#zero.mono);
    const seconds = Math.floor(millis / 1000);
    return [seconds, Math.round((millis - seconds * 1000) * 1e6)];
  }

  #forget(begin: number): void {
    this.steps = [];
    this.omitted = 0;
    this.begin = begin;
  }
}

const storage = new AsyncLocalStorage<{ scope: Scope; step?: Step }>();

/** The scope of the activity in whose course this is called. */
export const currentScope = (): Scope | undefined => storage.getStore()?.scope;

/** For a line that is logged now; `undefined` where it is not traced. */
export function currentIds(): { traceId: string; spanId: string } | undefined {
  const context = currentScope()?.span?.spanContext();
  return context && { traceId: context.traceId, spanId: context.spanId };
}

export function runInScope<T>(scope: Scope, work: () => T): T {
  return storage.run({ scope }, work);
}

/** Runs a call as a step of the current scope. What answers at once, without a promise or a stream, is none. */
export function runAsStep(system: string, name: string, call: () => unknown): unknown {
  const here = storage.getStore();
  if (here === undefined) return call();
  const { scope } = here;
  const step: Step = { system, name, begin: performance.now(), parent: here.step };
  const result = storage.run({ scope, step }, call);
  if (result instanceof Promise) {
    scope.opened(step);
    result.then(
      () => scope.closed(step, false),
      () => scope.closed(step, true),
    );
    return result;
  }
  return isStream(result) ? streamed(result, scope, step) : result;
}

/** From the first element asked for to the end of the last. */
async function* streamed(source: AsyncIterable<unknown>, scope: Scope, step: Step): AsyncGenerator<unknown> {
  step.begin = performance.now();
  scope.opened(step);
  let failed = true;
  try {
    yield* source;
    failed = false;
  } finally {
    scope.closed(step, failed);
  }
}
