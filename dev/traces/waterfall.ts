import type { ReceivedSpan } from './collector';

const WIDTH = 1180;
const NAMES = 330;
const ROW = 20;
const COLOURS: Record<string, string> = { postgres: '#4f81bd', kafka: '#8064a2', lake: '#4bacc6' };

/** A trace as a page: a bar for each span, below its parent's, along one time axis. */
export function waterfall(spans: readonly ReceivedSpan[]): { html: string; width: number; height: number } {
  const rows = inOrder(spans);
  const begin = Math.min(...spans.map((span) => span.begin));
  const length = Math.max(...spans.map((span) => span.end)) - begin;
  const scale = (WIDTH - NAMES - 70) / length;
  const lines = rows.map(({ span, depth }, index) => {
    const [top, left, wide] = [
      34 + index * ROW,
      NAMES + (span.begin - begin) * scale,
      (span.end - span.begin) * scale,
    ];
    const [system = ''] = span.name.split(' ');
    const colour = COLOURS[system] ?? (span.resource['orders.queue'] === 'capture' ? '#c0504d' : '#9bbb59');
    const bold = system in COLOURS ? '' : 'font-weight:600;';
    return (
      `<div style="top:${top}px;left:${8 + depth * 14}px;${bold}">${span.name}</div>` +
      `<div style="top:${top + 3}px;left:${left}px;width:${Math.max(2, wide)}px;height:12px;background:${colour}"></div>` +
      `<div style="top:${top}px;left:${left + Math.max(2, wide) + 5}px;color:#666">${millis(span.end - span.begin)}</div>`
    );
  });
  const title = `trace ${spans[0]?.traceId ?? ''}: ${millis(length)}, capture red, landing green`;
  const html =
    '<style>body{margin:0;background:#fff;font:12px sans-serif}div{position:absolute;white-space:nowrap}</style>' +
    `<div style="top:9px;left:8px;color:#444">${title}</div>${lines.join('')}`;
  return { html, width: WIDTH, height: 44 + rows.length * ROW };
}

const millis = (value: number) => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

function inOrder(spans: readonly ReceivedSpan[]): { span: ReceivedSpan; depth: number }[] {
  const below = (parent: string, depth: number): { span: ReceivedSpan; depth: number }[] =>
    spans
      .filter(({ parentId }) => parentId === parent)
      .sort((a, b) => a.begin - b.begin)
      .flatMap((span) => [{ span, depth }, ...below(span.spanId, depth + 1)]);
  return below('', 0);
}
