/** Items of all sources as they come, each source's in its own order. Holds one item a source. */
export async function* merge<T>(sources: AsyncGenerator<T>[]): AsyncGenerator<T> {
  const waiting = new Map(sources.map((source) => [source, step(source)]));
  try {
    while (waiting.size > 0) {
      const { source, result } = await Promise.race(waiting.values());
      if (result.done === true) {
        waiting.delete(source);
        continue;
      }
      waiting.set(source, step(source));
      yield result.value;
    }
  } finally {
    // A source that still waits for its broker ends on its own once its connection is cut.
    for (const source of waiting.keys()) source.return(undefined).catch(() => undefined);
  }
}

interface Step<T> {
  source: AsyncGenerator<T>;
  result: IteratorResult<T, unknown>;
}

function step<T>(source: AsyncGenerator<T>): Promise<Step<T>> {
  const next = source.next().then((result) => ({ source, result }));
  next.catch(() => undefined);
  return next;
}
