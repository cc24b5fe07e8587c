import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A log that has grown past this is set aside (one generation is kept) when its server is started next. */
const rotateAtBytes = 20_000_000;

/** Opens a log to append to, and passes its descriptor to `use`; the child it is given to keeps it open. */
export function withLogFile<T>(file: string, use: (descriptor: number) => T): T {
  mkdirSync(dirname(file), { recursive: true });
  if (existsSync(file) && statSync(file).size > rotateAtBytes) renameSync(file, `${file}.1`);
  const descriptor = openSync(file, 'a');
  try {
    return use(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** How long the log is now; what is written from here on belongs to the run that starts now. */
export function logSize(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

/** Temporal prints whole chains of errors into one line; how they begin and where they end tells enough. */
const longestLine = 600;

/** The last lines of a log, to be put into an error message. */
export function lastLines(file: string, from = 0, lines = 15): string {
  if (!existsSync(file)) return '(no log was written)';
  const start = from > statSync(file).size ? 0 : from; // rotated since
  const text = readFileSync(file).subarray(start).toString('utf8').trimEnd();
  if (text === '') return '(nothing was logged)';
  return text
    .split('\n')
    .slice(-lines)
    .map((line) => `  ${shorten(line)}`)
    .join('\n');
}

function shorten(line: string): string {
  const half = longestLine / 2;
  return line.length <= longestLine ? line : `${line.slice(0, half)} … ${line.slice(-half)}`;
}
