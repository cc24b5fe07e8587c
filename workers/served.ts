import type { Queue } from '../domain/names';

/** What `npm run worker` sends to a process that forked it, whenever one of its own begins to serve a queue. */
export interface Served {
  queue: Queue;
  pid: number;
}

/** Tells whoever forked this process, if somebody did and still listens. */
export function sendServed(served: Served): void {
  if (process.connected) process.send?.(served);
}
