import type { Page, Panel } from './panel';

const HEIGHT: Record<Panel['kind'], number> = { stat: 4, graph: 8, stacked: 8, table: 8 };
const TYPE: Record<Panel['kind'], string> = {
  stat: 'stat',
  graph: 'timeseries',
  stacked: 'timeseries',
  table: 'table',
};

const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** A page as Grafana imports it: the text of a file of ops/grafana. */
export function dashboardJson(page: Page): string {
  let id = 0;
  let y = 0;
  const panels = page.rows.flatMap(({ title, panels: inRow }) => {
    const row = {
      id: ++id,
      type: 'row',
      title,
      collapsed: false,
      panels: [],
      gridPos: { h: 1, w: 24, x: 0, y: y++ },
    };
    let x = 0;
    const placed = inRow.map((panel) => {
      const h = HEIGHT[panel.kind];
      const made = { id: ++id, ...panelJson(panel), gridPos: { h, w: panel.width, x, y } };
      x += panel.width;
      return made;
    });
    y += Math.max(...inRow.map(({ kind }) => HEIGHT[kind]));
    return [row, ...placed];
  });
  const dashboard = {
    uid: page.uid,
    title: page.title,
    tags: ['orders-stream'],
    editable: true,
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    timezone: 'utc',
    schemaVersion: 39,
    links: [
      { type: 'dashboards', tags: ['orders-stream'], title: 'Orders', asDropdown: false, keepTime: true },
    ],
    templating: {
      list: [{ name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', hide: 0 }],
    },
    panels,
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

function panelJson({ title, kind, unit, queries, bad }: Panel) {
  const steps = [
    { color: 'green', value: null },
    ...(bad ?? []).map((value, i) => ({ color: i === 0 ? 'yellow' : 'red', value })),
  ];
  return {
    type: TYPE[kind],
    title,
    datasource: DATASOURCE,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      instant: kind === 'stat' || kind === 'table',
      range: kind !== 'stat' && kind !== 'table',
      format: kind === 'table' ? 'table' : 'time_series',
    })),
    fieldConfig: {
      defaults: {
        unit,
        ...(kind === 'stat'
          ? { thresholds: { mode: 'absolute', steps }, color: { mode: 'thresholds' } }
          : {}),
        ...(kind === 'stacked'
          ? { custom: { fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } } }
          : {}),
      },
      overrides: [],
    },
    options:
      kind === 'stat'
        ? {
            colorMode: 'background',
            graphMode: 'none',
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
          }
        : {},
  };
}
