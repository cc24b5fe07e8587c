/** A line on a terminal that is overwritten; nothing where the output is a file or a pipe. Goes to stderr. */
export interface ProgressLine {
  show(text: string): void;
  clear(): void;
}

/** Often enough to be seen moving. */
const INTERVAL_MS = 100;

export function progressLine(stream: NodeJS.WriteStream = process.stderr): ProgressLine {
  let last = 0;
  let shown = false;
  return {
    show(text) {
      if (!stream.isTTY || Date.now() - last < INTERVAL_MS) return;
      last = Date.now();
      shown = true;
      stream.write(`\r\x1b[K${text}`);
    },
    clear() {
      if (shown) stream.write('\r\x1b[K');
      shown = false;
    },
  };
}
