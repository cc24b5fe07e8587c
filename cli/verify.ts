import { loadSettings } from '../configs/load';
import { count } from '../model/describe-status';
import {
  DIFFERENCE_KINDS,
  verifyPipeline,
  type Example,
  type Side,
  type VerifyResult,
} from '../proof/verify';
import { progressLine } from './progress-line';
import { table } from './table';

const PLACES = { source: 'in the source', topic: 'in the topic', lake: 'in lake and quarantine' } as const;

/** `npm run orders -- verify`: exit code 0 equal, 1 different, 2 could not be compared. */
export async function verify(options: { from?: string; to?: string; json?: boolean }): Promise<void> {
  const line = progressLine();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  let result: VerifyResult;
  try {
    result = await verifyPipeline(loadSettings(), {
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.to === undefined ? {} : { to: options.to }),
      signal: stop.signal,
      onProgress: (doing) => line.show(doing),
    });
  } catch (error) {
    line.clear();
    console.error(`could not be compared: ${(error as Error).message}`);
    process.exitCode = 2;
    return;
  }
  line.clear();
  console.log(options.json === true ? JSON.stringify(result, null, 2) : describe(result).join('\n'));
  process.exitCode = result.equal ? 0 : 1;
}

function describe(result: VerifyResult): string[] {
  const { dates, totals, differences, examples, publishedAgain, withoutTime, notes } = result;
  const { source, topic, quarantine } = withoutTime;
  return [
    ...table(
      [
        ['date', 'source', 'topic', 'lake', 'quarantine', 'verdict'],
        ...dates.map((d) => [
          d.date,
          rows(d.source),
          rows(d.topic),
          rows(d.lake),
          rows(d.quarantine),
          d.verdict,
        ]),
        ['rows', rows(totals.source), rows(totals.topic), rows(totals.lake), rows(totals.quarantine), ''],
        ['amount', sum(totals.source), sum(totals.topic), sum(totals.lake), sum(totals.quarantine), ''],
      ],
      [1, 2, 3, 4],
    ),
    ...differences.map(
      ({ place, kind, orders }) =>
        `${count(orders, 'order')} ${kind} ${PLACES[place]} (${DIFFERENCE_KINDS[kind]})`,
    ),
    ...examples.map(inWords),
    ...(publishedAgain === 0
      ? []
      : [`note: ${count(publishedAgain, 'order')} published more than once, as after a reset`]),
    ...(source + topic + quarantine === 0
      ? []
      : [
          `note: without a readable created_at, so not compared: ${source} in the source, ${topic} in the topic, ${quarantine} in quarantine`,
        ]),
    ...notes.map((note) => `note: ${note}`),
    `${result.equal ? 'equal' : 'DIFFERENT'}: verified through ${result.verifiedThrough}` +
      `${result.from === null ? '' : `, from ${result.from}`} (${result.seconds} s)`,
  ];
}

function inWords({ place, kind, orderId, createdAt, columns, where }: Example): string {
  const which = columns === undefined ? '' : `: ${columns.join(', ')}`;
  return `  order ${orderId ?? 'without id'} of ${createdAt} ${kind} ${PLACES[place]}${which}${where === undefined ? '' : ` (${where})`}`;
}

const rows = (side: Side | null) => (side === null ? '-' : String(side.rows));
const sum = (side: Side | null) => (side === null ? '-' : side.amount);
