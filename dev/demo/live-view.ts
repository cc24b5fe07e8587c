import type { Flow } from './pipeline';
import { bold, clock, count, detail, dim, yellow } from './print';

export interface Figures extends Flow {
  seconds: number;
  /** What is going on: "40 orders a second, until 0:15". */
  doing: string;
  inserted: number;
  freshness: { p50: number; p95: number } | undefined;
}

/** Between two lines where the output is no terminal. */
const LINE_EVERY_S = 3;
/** There: what is said of one trouble. */
const LONGEST_TROUBLE = 160;

/** The figures of the running pipeline: in place on a terminal, a line now and then otherwise. */
export class LiveView {
  readonly #inPlace = process.stdout.isTTY;
  #drawn = 0;
  #nextLine = LINE_EVERY_S;
  #headed = false;
  #lastLine = '';

  show(figures: Figures): void {
    if (this.#inPlace) this.#draw(figures);
    else if (figures.seconds >= this.#nextLine) this.#line(figures);
  }

  /** The last state, which stays. */
  end(figures: Figures): void {
    if (this.#inPlace) this.#draw(figures);
    else if (cellsOf(figures).slice(1).join() !== this.#lastLine) this.#line(figures);
    this.#drawn = 0;
  }

  #draw(figures: Figures): void {
    const width = process.stdout.columns || 80;
    const lines = block(figures).map((line) => fit(line, width));
    // To the line's start first: the terminal itself writes ^C there.
    const back = this.#drawn > 0 ? `\r\x1b[${this.#drawn}A` : '';
    process.stdout.write(`${back}${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawn = lines.length;
  }

  #line(figures: Figures): void {
    if (!this.#headed) detail(HEAD.join('   '));
    this.#headed = true;
    this.#nextLine = figures.seconds + LINE_EVERY_S;
    const cells = cellsOf(figures);
    this.#lastLine = cells.slice(1).join();
    detail(cells.map((cell, i) => cell.padStart(HEAD[i]!.length)).join('   '));
    for (const trouble of figures.troubles) detail(`       ! ${fit(trouble, LONGEST_TROUBLE)}`);
  }
}

const HEAD = [
  ' time',
  'inserted',
  'published',
  '  landed',
  'quarantined',
  'duplicates',
  'freshness p50',
  '    p95',
];

function cellsOf(figures: Figures): string[] {
  const { inserted, published, landed, quarantined, duplicates, freshness } = figures;
  return [
    clock(figures.seconds),
    ...[inserted, published, landed, quarantined, duplicates].map(count),
    ...[freshness?.p50, freshness?.p95].map(inSeconds),
  ];
}

function block(figures: Figures): string[] {
  const { inserted, published, landed, quarantined, duplicates, freshness, troubles } = figures;
  const row = (name: string, value: number, where: string) =>
    `   ${name.padEnd(12)}${bold(count(value).padStart(9))}   ${dim(where)}`;
  const measured =
    freshness === undefined
      ? dim('…')
      : `${bold(inSeconds(freshness.p50))} ${dim('median')}   ${bold(inSeconds(freshness.p95))} ${dim('95 %')}`;
  return [
    `   ${bold(clock(figures.seconds).padStart(5))}   ${figures.doing}`,
    row('inserted', inserted, 'orders in PostgreSQL'),
    row('published', published, 'captured, and in Kafka'),
    row('landed', landed, 'in the lake'),
    row('quarantined', quarantined, 'kept aside, with the reasons'),
    row('duplicates', duplicates, 'dropped'),
    `   ${'freshness'.padEnd(12)}${measured}   ${dim('INSERT to readable in the lake')}`,
    ...troubles.map((trouble) => `   ${yellow('!')} ${trouble}`),
  ];
}

function inSeconds(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(2)} s`;
}

/** The escape character is what starts a style. */
const STYLE_OR_CHARACTER = new RegExp(`(${'\u001b'}\\[\\d+m)|.`, 'gu');

/** Cut to the terminal's width, styles not counted: a line that wraps could not be drawn over. */
function fit(line: string, width: number): string {
  let room = width - 1;
  return line.replace(STYLE_OR_CHARACTER, (piece, escape?: string) =>
    escape !== undefined || room-- > 0 ? piece : '',
  );
}
