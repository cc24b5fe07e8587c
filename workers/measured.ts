import { performance } from 'node:perf_hooks';
import { noteSystem, type System } from '../activities/system-of';
import { isStream } from './is-stream';

type End = (outcome: 'ok' | 'error', seconds: number) => void;

interface Watching {
  observe: (seconds: number, labels: { operation: string; outcome: 'ok' | 'error' }) => void;
  /** Runs a call as a step of a trace, where traces are made. */
  step?: ((name: string, call: () => unknown) => unknown) | undefined;
  /** Called for each row: not watched. */
  perRow?: readonly string[];
}

/**
 * The same object, each of whose promises is timed from call to end, and each stream by how long its consumer waited for it.
 * Errors that come out of it are noted as those of `system`.
 */
export function measured<T extends object>(target: T, system: System, watching: Watching): T {
  const { observe, step, perRow = [] } = watching;
  return new Proxy(target, {
    get(_proxy, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      if (perRow.includes(name)) return member.bind(target) as unknown;
      return (...args: unknown[]): unknown => {
        const begin = performance.now();
        const end: End = (outcome, seconds) => observe(seconds, { operation: name, outcome });
        const call = (): unknown => Reflect.apply(member, target, args);
        const result = step === undefined ? call() : step(name, call);
        if (isStream(result)) return waitedFor(result, system, end);
        if (!(result instanceof Promise)) return result;
        const since = () => (performance.now() - begin) / 1000;
        result.then(
          () => end('ok', since()),
          (error: unknown) => {
            noteSystem(error, system);
            end('error', since());
          },
        );
        return result;
      };
    },
  });
}

/** One that its consumer gives up before the end tells nothing of itself, and is not timed. */
function waitedFor(stream: AsyncIterable<unknown>, system: System, end: End): AsyncIterable<unknown> {
  return {
    [Symbol.asyncIterator]() {
      const items = stream[Symbol.asyncIterator]();
      let seconds = 0;
      return {
        async next() {
          const begin = performance.now();
          const waited = () => (seconds += (performance.now() - begin) / 1000);
          try {
            const item = await items.next();
            waited();
            if (item.done === true) end('ok', seconds);
            return item;
          } catch (error) {
            noteSystem(error, system);
            end('error', waited());
            throw error;
          }
        },
        return: () => items.return?.() ?? Promise.resolve({ done: true, value: undefined }),
      };
    },
  };
}
