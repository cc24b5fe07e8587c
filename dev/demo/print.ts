/** What the demo prints looks the same everywhere: numbered steps, indented details, aligned columns. */

const styled = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const style = (code: number) => (text: string) => (styled ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = style(1);
export const dim = style(2);
export const red = style(31);
export const green = style(32);
export const yellow = style(33);

const INDENT = '   ';
let steps = 0;

export function title(text: string): void {
  console.log(bold(text));
}

/** The heading of the demo's next part. */
export function step(text: string): void {
  steps += 1;
  console.log(`\n${bold(`${steps}  ${text}`)}`);
}

export function detail(text = ''): void {
  console.log(text === '' ? '' : `${INDENT}${text}`);
}

/** `1,234,567`, the same in every locale. */
export function count(value: number | bigint): string {
  return value.toLocaleString('en-US');
}

/** `1234567.80` as `1,234,567.80`: text, because a sum of money may exceed what a double holds. */
export function money(decimal: string): string {
  const [whole = '0', cents = '00'] = decimal.split('.');
  return `${whole.replace(/\B(?=(\d{3})+$)/g, ',')}.${cents}`;
}

/** `1 file`, `2 files`. */
export function counted(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** Seconds as `1:05`. */
export function clock(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, '0')}`;
}

/** Columns as wide as their widest cell; the first stands left, all others (numbers) right. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('   ');
  return [dim(line(head)), ...rows.map(line)];
}

export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  for (const line of table(head, rows)) detail(line);
}

/** An AggregateError, of a host with several addresses, has no message of its own. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return String(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}
