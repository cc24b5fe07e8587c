import type { Queue } from '../domain/names';

/** What `npm run worker` sends to a process that forked it, whenever one of its own begins to serve a queue. */
export interface Served extends Ready {
  queue: Queue;
  pid: number;
}

/** What a queue's process sends when it begins to serve. */
export interface Ready {
  /** Where it serves its metrics and health; absent where it does not. */
  endpoint?: string | undefined;
}

/** Tells whoever forked this process, if somebody did and still listens. */
export function sendServed(served: Served): void {
  if (process.connected) process.send?.(served);
}
