import { DIFFERENCE_KINDS, type Example, type VerifyResult } from './verification';
import { count, type Described } from './describe-status';
import { describeUnreachable } from './unreachable';
import { ORDERS } from './table/orders';

const PLACES = { source: 'in the source', topic: 'in the topic', lake: 'in lake and quarantine' } as const;

/** The outcome of a comparison in a few lines, without the table of dates. */
export function describeVerification(result: VerifyResult): Described {
  const { totals, differences, examples, unreachable = [], publishedAgain, withoutTime, notes } = result;
  const { source, topic, quarantine } = withoutTime;
  return {
    trouble: [
      ...differences.map(
        ({ place, kind, orders }) =>
          `${count(orders, 'order')} ${kind} ${PLACES[place]} (${DIFFERENCE_KINDS[kind]})`,
      ),
      ...examples.map(inWords),
      ...unreachable.map((one) => {
        const { found, toDo } = describeUnreachable(one);
        return `${found}: ${toDo}`;
      }),
    ],
    facts: [
      `${headlineOf(result)}: verified through ${result.verifiedThrough}` +
        `${result.from === null ? '' : `, from ${result.from}`} (${result.seconds} s)`,
      `${totals.source.rows} orders in the source, ${totals.lake.rows} in the lake, ${totals.quarantine.rows} in quarantine`,
      ...(publishedAgain === 0
        ? []
        : [`note: ${count(publishedAgain, 'order')} published more than once, as after a reset`]),
      ...(source + topic + quarantine === 0
        ? []
        : [
            `note: without a readable ${ORDERS.position.name}, so not compared: ${source} in the source, ${topic} in the topic, ${quarantine} in quarantine`,
          ]),
      ...notes.map((note) => `note: ${note}`),
    ],
  };
}

function headlineOf({ equal, differences, dates, unreachable = [] }: VerifyResult): string {
  if (equal) return 'equal';
  const compared = differences.length === 0 && dates.every(({ verdict }) => verdict === 'equal');
  return compared && unreachable.length > 0
    ? 'NOT EQUAL, as rows of the source are not captured'
    : 'DIFFERENT';
}

function inWords({ place, kind, orderId, createdAt, columns, where }: Example): string {
  const which = columns === undefined ? '' : `: ${columns.join(', ')}`;
  return `  order ${orderId ?? 'without id'} of ${createdAt} ${kind} ${PLACES[place]}${which}${where === undefined ? '' : ` (${where})`}`;
}
