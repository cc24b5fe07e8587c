import type { LakeStorage, Metrics } from '../ports';

/** A disk of 100 GB that is written at 100 MB/s loses less than 2 % in this time. */
const EVERY_MS = 15_000;

/** Looks now and then how full the lake's disk is, until told to stop. A look that fails or hangs says nothing. */
export function watchRoom(storage: Pick<LakeStorage, 'room'>, metrics: Metrics, stop: AbortSignal): void {
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    try {
      const room = await storage.room();
      if (room !== undefined) {
        metrics.set('orders_lake_free_bytes', room.freeBytes);
        metrics.set('orders_lake_size_bytes', room.sizeBytes);
      }
    } catch {
      // Landing meets the same error, and says it.
    }
    looking = false;
  };
  const timer = setInterval(() => void look(), EVERY_MS);
  timer.unref();
  stop.addEventListener('abort', () => clearInterval(timer), { once: true });
  void look();
}
