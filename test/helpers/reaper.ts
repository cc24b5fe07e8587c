/**
 * Ends the tests' servers, and deletes their scratch directory, when the tests' process is gone: its end of our standard
 * input closes then.
 */
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { destroy } from '../../dev/stack';

const [scratch, ...homes] = process.argv.slice(2);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.stdin.resume();
process.stdin.on('end', () => void clear().finally(() => process.exit(0)));

async function clear(): Promise<void> {
  const below = scratch ? readdirSync(scratch).map((name) => join(scratch, name)) : [];
  await Promise.allSettled([...homes, ...below].map((home) => destroy({ home })));
  // What a test left that was interrupted; its processes may still be at work on it for a moment.
  if (scratch) await rm(scratch, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
}
