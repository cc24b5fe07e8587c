import { performance } from 'node:perf_hooks';

type Observe = (seconds: number, labels: { operation: string; outcome: 'ok' | 'error' }) => void;

/** The same object, each of whose promises is timed from call to end. What is no promise, such as a stream of rows, is not. */
export function measured<T extends object>(target: T, observe: Observe): T {
  return new Proxy(target, {
    get(_proxy, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: unknown[]): unknown => {
        const begin = performance.now();
        const result: unknown = Reflect.apply(member, target, args);
        if (!(result instanceof Promise)) return result;
        const end = (outcome: 'ok' | 'error') =>
          observe((performance.now() - begin) / 1000, { operation: name, outcome });
        result.then(
          () => end('ok'),
          () => end('error'),
        );
        return result;
      };
    },
  });
}
