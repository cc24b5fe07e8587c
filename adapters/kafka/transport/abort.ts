/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as it is aborted. kafkajs cannot be
 * cancelled: what was asked goes on behind, so the caller must throw its connection away.
 */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  promise.catch(() => undefined); // may reject after the race is over
  signal.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

/** Waits, or rejects with the signal's reason. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await untilAborted(waited, signal);
  } finally {
    clearTimeout(timer);
  }
}

/** As `promise`, or rejects with `late` if that has not settled in time; what was asked goes on behind here, too. */
export async function inTime<T>(promise: Promise<T>, milliseconds: number, late: () => Error): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(late()), milliseconds);
  try {
    return await untilAborted(promise, timer.signal);
  } finally {
    clearTimeout(timeout);
  }
}
