/** Ends the tests' servers when the tests' process is gone: its end of our standard input closes then. */
import { destroy } from '../../stack';

const homes = process.argv.slice(2);
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.stdin.resume();
process.stdin.on('end', () => {
  void Promise.allSettled(homes.map((home) => destroy({ home }))).finally(() => process.exit(0));
});
