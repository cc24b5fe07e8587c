/** `npm run torture -- --minutes N [--seed S] [--json FILE]`: random faults under load, then the verdict and figures. */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { torture } from './torture';

new Command('torture')
  .description('Kill workers and servers at random under load, then prove that every order arrived once.')
  .option('--minutes <n>', 'how long faults go on', positive, 5)
  .option('--seed <n>', 'repeats the decisions of an earlier run', positive)
  .option('--rate <n>', 'orders a second', positive, 300)
  .option('--json <file>', 'also write the figures there')
  .showHelpAfterError()
  .action(async (options: { minutes: number; seed?: number; rate: number; json?: string }) => {
    const seed = options.seed ?? Date.now() % 1_000_000;
    console.error(`seed ${seed}: repeat with --seed ${seed}`);
    const stop = new AbortController();
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(name)));
    const figures = await torture({
      ...options,
      seed,
      signal: stop.signal,
      report: (line) => console.error(`${new Date().toISOString()} ${line}`),
    });
    const text = JSON.stringify(figures, null, 2);
    console.log(text);
    if (options.json !== undefined) writeFileSync(options.json, `${text}\n`);
    process.exit(figures.verdict === 'clean' ? 0 : 1);
  })
  .parseAsync()
  .catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('must be a number above 0');
  return number;
}
