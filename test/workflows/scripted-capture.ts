import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureActivities } from '../../activities/capture';
import type { PollInput } from '../../activities/capture/poll';
import type { PublishInput } from '../../activities/capture/publish';
import { NonRetryableError } from '../../domain/errors';
import type { Watermark } from '../../domain/watermark';

export const mark = (n: number): Watermark => ({
  createdAt: `2025-11-18T10:00:00.${String(n).padStart(6, '0')}Z`,
  orderId: String(n),
});

/** Activities over a source of `windows` windows of ten rows, which note what they were asked. */
export function scripted(windows: number, failures: { publish?: Error[] } = {}) {
  const polls: PollInput[] = [];
  const published: PublishInput[] = [];
  const advanced: number[] = [];
  const renewed: number[] = [];
  const activities: CaptureActivities = {
    openCapture: ({ startFrom, behind }) =>
      behind === undefined
        ? Promise.resolve({
            sequence: 0,
            watermark: startFrom ?? mark(0),
            startedFrom: 'default_start_timestamp',
            warnings: [],
          })
        : Promise.reject(new NonRetryableError('CaptureConflict', 'the record is of another')),
    async poll(input) {
      polls.push(input);
      const n = Number(input.after.orderId) + 1;
      const idle = { rows: 0, more: false, clock: mark(0).createdAt, heldBy: null };
      if (n > windows) {
        await sleep(300);
        return idle;
      }
      const oldest = '2025-11-18T09:59:58.000000Z';
      return { ...idle, window: { lower: input.after, upper: mark(n) }, rows: 10, oldest, heldSeconds: 1.5 };
    },
    publish(input) {
      const failure = failures.publish?.shift();
      if (failure !== undefined) return Promise.reject(failure);
      published.push(input);
      return Promise.resolve({ rows: 10 });
    },
    advanceWatermark({ sequence }) {
      advanced.push(sequence);
      return Promise.resolve({ sequence });
    },
    renewProgress({ sequence }) {
      renewed.push(sequence);
      return Promise.resolve({ sequence });
    },
  };
  return { activities, polls, published, advanced, renewed };
}
