/** `npm run torture -- --minutes N [--seed S] [--json [FILE]]`: random faults under load, then the verdict and figures. */
import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { torture, type Figures } from './torture';
import { WORLD_FAULTS } from './world-faults';

new Command('torture')
  .description('Kill workers and servers at random under load, then prove that every order arrived once.')
  .option('--minutes <n>', 'how long faults go on', positive, 5)
  .option('--seed <n>', 'repeats the decisions of an earlier run', positive)
  .option('--rate <n>', 'orders a second', positive, 300)
  .option('--only <names>', `no other faults than these: ${WORLD_FAULTS.join(',')}`, names)
  .option('--json [file]', 'print the figures as JSON, or write them there')
  .showHelpAfterError()
  .action(
    async (options: {
      minutes: number;
      seed?: number;
      rate: number;
      only?: string[];
      json?: string | true;
    }) => {
      const seed = options.seed ?? Date.now() % 1_000_000;
      console.error(`seed ${seed}: repeat with --seed ${seed}`);
      const stop = new AbortController();
      const end = (name: string) => () => {
        console.error(`${name}: ending, and taking away what was started`);
        stop.abort(new Error(`ended by ${name} before there was a verdict`));
      };
      for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, end(name));
      const figures = await torture({
        ...options,
        seed,
        signal: stop.signal,
        report: (line) => console.error(`${new Date().toISOString()} ${line}`),
      });
      const json = JSON.stringify(figures, null, 2);
      console.log(options.json === true ? json : describe(figures).join('\n'));
      if (typeof options.json === 'string') writeFileSync(options.json, `${json}\n`);
      process.exit(figures.verdict === 'clean' ? 0 : 1);
    },
  )
  .parseAsync()
  .catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });

function describe({ seed, verdict, orders, transactions, workersStarted, faults }: Figures): string[] {
  const ends = Object.entries(transactions).map(([kind, count]) => `${count} ${kind}`);
  return [
    `seed ${seed}: ${orders} orders; transactions: ${ends.join(', ')}; worker processes started: ${workersStarted}`,
    ...faults.map(({ kind, times, secondsToRecover: found }) => {
      const seconds = found === null ? '' : `, caught up in ${found.p50} s (p50), ${found.max} s (max)`;
      return `  ${kind}: ${times}${seconds}`;
    }),
    ...(verdict === 'clean' ? ['verdict: clean, every order arrived once'] : ['verdict: WRONG', ...verdict]),
  ];
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('must be a number above 0');
  return number;
}

function names(text: string): string[] {
  const list = text.split(',');
  const unknown = list.filter((name) => !WORLD_FAULTS.includes(name));
  if (unknown.length > 0) throw new InvalidArgumentError(`there is no ${unknown.join(', ')}`);
  return list;
}
