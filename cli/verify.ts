import { loadSettings } from '../configs/load';
import { describeVerification } from '../domain/describe-verification';
import type { Side, VerifyResult } from '../domain/verification';
import { createVerify } from '../reconcile/open';
import { progressLine } from './progress-line';
import { table } from './table';
import { COMMAND_TELEMETRY } from './telemetry';
import { ORDERS } from '../domain/table/orders';

/** `npm run orders -- verify`: exit code 0 equal, 1 different, 2 could not be compared. */
export async function verify(options: { from?: string; to?: string; json?: boolean }): Promise<void> {
  const line = progressLine();
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('interrupted')));
  let result: VerifyResult;
  try {
    result = await createVerify(
      loadSettings(),
      COMMAND_TELEMETRY,
    )({
      from: options.from,
      to: options.to,
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
  const { dates, totals } = result;
  const described = describeVerification(result);
  const [verdict, , ...others] = described.facts;
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
        [
          ORDERS.total.name,
          sum(totals.source),
          sum(totals.topic),
          sum(totals.lake),
          sum(totals.quarantine),
          '',
        ],
      ],
      [1, 2, 3, 4],
    ),
    ...described.trouble,
    ...others,
    verdict!,
  ];
}

const rows = (side: Side | null) => (side === null ? '-' : String(side.rows));
const sum = (side: Side | null) => (side === null ? '-' : side.amount);
