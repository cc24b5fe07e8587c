/** `npm run bench -- <name> [--rows N] [--json FILE]` */
import { writeFileSync } from 'node:fs';
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { capture } from './capture';
import { freshness } from './freshness';
import { land } from './land';
import { writers } from './writers';

const BENCHES = {
  capture: { run: capture, rows: 500_000 },
  land: { run: land, rows: 500_000 },
  freshness: { run: freshness, rows: 6_000 },
  writers: { run: writers, rows: 100_000 },
};

new Command('bench')
  .description(
    'Measure a stage on a fresh pipeline of the stack: rows/s, latency, memory, CPU, files, history.',
  )
  .addArgument(new Argument('<name>', 'what to measure').choices(Object.keys(BENCHES)))
  .addOption(new Option('--rows <n>', 'how many orders').argParser(positive))
  .option('--json <file>', 'also write the figures there')
  .showHelpAfterError()
  .action(async (name: keyof typeof BENCHES, options: { rows?: number; json?: string }) => {
    const bench = BENCHES[name];
    const figures = { bench: name, ...(await bench.run({ rows: options.rows ?? bench.rows })) };
    const text = JSON.stringify(figures, null, 2);
    console.log(text);
    if (options.json !== undefined) writeFileSync(options.json, `${text}\n`);
  })
  .parseAsync()
  .catch((error: Error) => {
    console.error(error.message);
    process.exit(1);
  });

function positive(text: string): number {
  const rows = Number(text);
  if (!Number.isInteger(rows) || rows < 1) throw new InvalidArgumentError('must be a whole number above 0');
  return rows;
}
