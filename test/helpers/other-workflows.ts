/** As another version may have them: one begins with a timer, one schedules more than Temporal takes. */
import { proxyActivities, sleep } from '@temporalio/workflow';

const { anything } = proxyActivities<{ anything(text: string): Promise<void> }>({
  startToCloseTimeout: '1 s',
});

export async function captureOrders(): Promise<void> {
  await sleep('1 hour');
}

export async function tooLarge(): Promise<void> {
  // Above what Temporal's connections carry, 4 MB.
  await anything('x'.repeat(5_000_000));
}
