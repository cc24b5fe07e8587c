/** Panels as HTML and SVG: for pictures, where no Grafana runs. */
import type { Page, Panel } from './panel';

export interface Series {
  name: string;
  /** Seconds since 1970, and the value then. */
  points: [time: number, value: number][];
}

interface Drawn {
  panel: Panel;
  series: Series[];
}

const COLORS = [
  '#73bf69',
  '#5794f2',
  '#f2cc0c',
  '#ff9830',
  '#f2495c',
  '#b877d9',
  '#8ab8ff',
  '#96d98d',
  '#ffcb7d',
  '#ff7383',
];
const LEVELS = ['#37872d', '#e0b400', '#c4162a'];
const COLUMN = 52;
const GAP = 8;
const PLOT = { left: 62, right: 8, top: 10, bottom: 22, height: 150 };
/** Names below a plot; more would not fit. */
const NAMES = 9;

/** A page of panels with their data, as one HTML document. */
export function pageHtml(page: Page, drawn: ReadonlyMap<Panel, Series[]>): string {
  const rows = page.rows.map(({ title, panels }) => {
    const cells = panels.map((panel) => panelHtml({ panel, series: drawn.get(panel) ?? [] }));
    return `<h2>${escape(title)}</h2><div class="row">${cells.join('')}</div>`;
  });
  return `<!doctype html><meta charset="utf-8"><style>
    body { margin: 16px; background: #111217; color: #ccccdc; font: 13px sans-serif; width: ${24 * COLUMN}px }
    h1 { font-size: 18px; margin: 0 0 4px } h2 { font-size: 14px; margin: 12px 0 6px }
    .row { display: flex; gap: ${GAP}px } .panel { background: #181b1f; border: 1px solid #2b2e34; box-sizing: border-box }
    .title { padding: 6px 8px; font-weight: bold; font-size: 12px } .stat { text-align: center; color: #fff; padding: 8px 0 14px; font-size: 30px }
    .names { padding: 0 8px 6px; font-size: 11px; line-height: 15px } .names span { margin-right: 10px; white-space: nowrap }
    text { fill: #9a9aa8; font: 10px sans-serif } table { padding: 4px 8px; font-size: 11px } td, th { padding: 2px 12px 2px 0; text-align: left }
  </style><h1>${escape(page.title)}</h1>${rows.join('')}`;
}

function panelHtml({ panel, series }: Drawn): string {
  const width = panel.width * COLUMN - GAP;
  const body =
    panel.kind === 'stat'
      ? statHtml(panel, series)
      : panel.kind === 'table'
        ? tableHtml(series)
        : graphHtml(panel, series, width);
  return `<div class="panel" style="width:${width}px"><div class="title">${escape(panel.title)}</div>${body}</div>`;
}

function statHtml({ unit, bad = [Infinity, Infinity] }: Panel, series: Series[]): string {
  const value = series[0]?.points.at(-1)?.[1];
  const level = value === undefined ? 0 : bad.filter((bound) => value >= bound).length;
  return `<div class="stat" style="background:${LEVELS[level]}">${value === undefined ? 'no data' : format(value, unit)}</div>`;
}

const tableHtml = (series: Series[]) =>
  `<table>${series
    .map(
      ({ name }) =>
        `<tr>${name
          .split(' ')
          .map((cell) => `<td>${escape(cell)}</td>`)
          .join('')}</tr>`,
    )
    .join('')}</table>`;

function graphHtml(panel: Panel, given: Series[], width: number): string {
  const series = panel.kind === 'stacked' ? stacked(given) : given;
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) return '<div class="names">no data</div>';
  const [from, to] = [Math.min(...points.map(([time]) => time)), Math.max(...points.map(([time]) => time))];
  const top = Math.max(...points.map(([, value]) => value)) * 1.05 || 1;
  const inner = { width: width - PLOT.left - PLOT.right, height: PLOT.height - PLOT.top - PLOT.bottom };
  const x = (time: number) => PLOT.left + ((time - from) / (to - from || 1)) * inner.width;
  const y = (value: number) => PLOT.top + (1 - value / top) * inner.height;
  const grid = [0, 0.5, 1].map((part) => {
    const at = y(top * part).toFixed(1);
    return `<line x1="${PLOT.left}" x2="${width - PLOT.right}" y1="${at}" y2="${at}" stroke="#2b2e34"/><text x="${PLOT.left - 6}" y="${at}" dy="3" text-anchor="end">${format(top * part, panel.unit)}</text>`;
  });
  const clock = [from, to].map(
    (time, i) =>
      `<text x="${x(time).toFixed(1)}" y="${PLOT.height - 6}" text-anchor="${i === 0 ? 'start' : 'end'}">${new Date(time * 1000).toISOString().slice(11, 19)}</text>`,
  );
  const lines = series.map(({ points: own }, i) => {
    const path = own.map(([time, value]) => `${x(time).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
    const color = COLORS[i % COLORS.length];
    const area =
      panel.kind === 'stacked' && own.length > 0
        ? `<polygon points="${x(own[0]![0])},${y(0)} ${path} ${x(own.at(-1)![0])},${y(0)}" fill="${color}"/>`
        : '';
    return `${area}<polyline points="${path}" fill="none" stroke="${color}" stroke-width="1.5"/>`;
  });
  // Of stacked ones the highest first, so that each covers what is below it.
  const ordered = panel.kind === 'stacked' ? lines.reverse() : lines;
  const names = given
    .slice(0, NAMES)
    .map(
      ({ name, points: own }, i) =>
        `<span><b style="color:${COLORS[i % COLORS.length]}">—</b> ${escape(name)} ${format(own.at(-1)?.[1] ?? 0, panel.unit)}</span>`,
    );
  const more = given.length > NAMES ? [`<span>and ${given.length - NAMES} more</span>`] : [];
  return `<svg width="${width - 2}" height="${PLOT.height}">${[...grid, ...clock, ...ordered].join('')}</svg><div class="names">${[...names, ...more].join('')}</div>`;
}

/** Each series on top of those before it. */
function stacked(series: Series[]): Series[] {
  const sums = new Map<number, number>();
  return series.map(({ name, points }) => ({
    name,
    points: points.map(([time, value]) => {
      const sum = (sums.get(time) ?? 0) + value;
      sums.set(time, sum);
      return [time, sum];
    }),
  }));
}

function format(value: number, unit: Panel['unit']): string {
  const short = (number: number, by: number, names: string[]): string => {
    let at = 0;
    let left = number;
    while (Math.abs(left) >= by && at < names.length - 1) {
      left /= by;
      at += 1;
    }
    return `${Number(left.toPrecision(3))} ${names[at]}`.trim();
  };
  if (unit === 's')
    return value !== 0 && Math.abs(value) < 1
      ? `${Number((value * 1000).toPrecision(3))} ms`
      : `${Number(value.toPrecision(3))} s`;
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(3))} %`;
  if (unit === 'bytes' || unit === 'Bps')
    return `${short(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB'])}${unit === 'Bps' ? '/s' : ''}`;
  return `${short(value, 1000, ['', 'k', 'M', 'G'])}${unit === 'rowsps' || unit === 'reqps' ? '/s' : ''}`;
}

const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
