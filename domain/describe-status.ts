import { describeDamaged } from './damaged';
import { describeFreshness } from './freshness';
import type { Hold } from './hold';
import { describeOpenTransaction } from './open-transaction';
import { LOWEST_PLACE } from './gaps';
import { formatOffsets } from './ranges';
import type { Refusal, Reset, Pause } from './requests';
import type {
  CaptureStatus,
  DetectionLimits,
  LandStatus,
  LastError,
  MissedRows,
  ParkedBatch,
  ReplayStatus,
} from './status';
import { describeUnreachable, isOnPurpose, resetCommand, type Unreachable } from './unreachable';
import { describeWatermark } from './watermark';
import { ORDERS } from './table/orders';

/** A status in words, for the Web UI and the CLI alike. Trouble is what a person should see first, if there is any. */
export interface Described {
  trouble: string[];
  facts: string[];
}

export function describeCapture(status: CaptureStatus): Described {
  const { heldBy, missed, unreachable = [], detection = {}, watermark } = status;
  const trouble = [
    ...(missed === undefined ? [] : [missedTrouble(missed)]),
    ...unreachable.filter((one) => !isOnPurpose(one)).map(unreachableLine),
    ...detectionTrouble(detection),
    ...requestTrouble(status),
  ];
  if (heldBy !== null) trouble.push(describeHold(heldBy));
  trouble.push(...status.warnings.map((warning) => `warning: ${warning}`), ...mended(status.lastError));
  return {
    trouble,
    facts: [
      `${status.phase}: ${count(status.rows, 'row')} since it was started, ${count(status.sequence, 'window')} in all`,
      `watermark ${watermark === null ? 'none yet' : describeWatermark(watermark)}, lag ${status.lagSeconds} s`,
      ...describeFreshness(status.freshness, {
        one: 'window',
        many: 'windows',
        where: 'in the topic',
      }),
      ...unreachable.filter(isOnPurpose).map(unreachableLine),
      ...uncountedFact(detection),
      ...lastReset(status.resets, describeWatermark),
    ],
  };
}

/** Who keeps rows from being captured, and the statement that ends it. */
function describeHold({ kind, since, who, mend }: Hold): string {
  const toEnd = mend === undefined ? '' : `. To end it, run in PostgreSQL: ${mend}`;
  return `held back by ${kind} since ${since}: ${who}${toEnd}`;
}

export function describeLand(status: LandStatus): Described {
  const { landed, quarantined, duplicate } = status.rows;
  const failures = Object.entries(status.failures).map(([code, number]) => `${code} ${number}`);
  return {
    trouble: [
      ...(status.heldBy ?? []).map((one) => `held back: ${describeOpenTransaction(one)}`),
      ...damagedTrouble(status),
      ...parkedTrouble(status),
      ...requestTrouble(status),
      ...mended(status.lastError),
    ],
    facts: [
      `${status.phase}: ${count(landed, 'row')} landed, ${quarantined} quarantined, ${count(duplicate, 'duplicate')} ` +
        `since it was started, ${count(status.sequence, 'batch', 'batches')} in all`,
      `newest order ${status.newestCreatedAt ?? 'none yet'}, lag ${count(status.lagOffsets, 'offset')}`,
      ...describeFreshness(status.freshness, { one: 'batch', many: 'batches', where: 'in the lake' }),
      `next offsets ${status.nextOffsets === null ? 'not known yet' : formatOffsets(status.nextOffsets)}`,
      ...(failures.length === 0 ? [] : [`quarantined by rule: ${failures.join(', ')}`]),
      ...lastReset(status.resets, formatOffsets),
    ],
  };
}

export function describeReplay(status: ReplayStatus): Described {
  const { before, after, results } = status;
  const errors = results.flatMap(({ batch, error }) =>
    error === undefined ? [] : [`batch ${batch}: ${error}`],
  );
  return {
    trouble: errors,
    facts: [
      `${status.phase}${status.dryRun ? ' (dry run)' : ''}: ${status.replayed + status.failed} of ` +
        `${count(status.batches, 'batch', 'batches')}, ${status.failed} failed${because(status.reason)}`,
      `rows landed ${before.landed} before, ${after.landed} after; quarantined ${before.quarantined} before, ` +
        `${after.quarantined} after; ${count(after.duplicate, 'duplicate')}`,
    ],
  };
}

/** `1 row`, `2 rows`. */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function damagedTrouble({ damaged = [] }: LandStatus): string[] {
  return damaged.map((one) => `not what the ledger says: ${describeDamaged(one)}`);
}

function parkedTrouble({ unlanded, parked }: { unlanded: number[]; parked: ParkedBatch[] }): string[] {
  if (unlanded.length === 0) return [];
  const last = parked.at(-1);
  return [
    `${count(unlanded.length, 'failed batch', 'failed batches')} (${unlanded.slice(0, 10).join(', ')}${unlanded.length > 10 ? ', …' : ''}), ` +
      `to be landed by replayBatches${last === undefined ? '' : `; the last one: ${last.error}`}`,
  ];
}

function missedTrouble({ backdated, examples, from, since }: MissedRows): string {
  const some = examples.length === 0 ? '' : `, such as ${ORDERS.key.name} ${examples.join(', ')}`;
  return (
    `${count(backdated, 'row')} not captured${some}: inserted with a ${ORDERS.position.name} that capture had passed, noticed since ` +
    `${since}. ${resetCommand(from ?? LOWEST_PLACE.createdAt)} brings them; what landed before is not landed twice`
  );
}

function unreachableLine(one: Unreachable): string {
  const { found, toDo } = describeUnreachable(one);
  return `${found}: ${toDo}`;
}

const COMPARE = 'npm run orders -- verify names them';

function detectionTrouble({ failing, fallingId }: DetectionLimits): string[] {
  const lines: string[] = [];
  if (failing !== undefined)
    lines.push(
      `late-row detection is not working since ${failing.since}, so rows that are not captured are not counted: ${failing.error}. ` +
        'npm run orders -- doctor says whether an index is missing',
    );
  if (fallingId !== undefined)
    lines.push(
      `order ids do not rise with time (${ORDERS.key.name} ${fallingId.orderId}, seen at ${fallingId.at}), so rows that come with a ${ORDERS.position.name} ` +
        `in the past may not be counted: ${COMPARE}`,
    );
  return lines;
}

function uncountedFact({ uncounted }: DetectionLimits): string[] {
  if (uncounted === undefined) return [];
  const { from, to, why } = uncounted;
  return [
    `rows missed ${from === null ? `before ${to}` : `between ${from} and ${to}`} are not counted (${why}): ${COMPARE}, and ` +
      `${resetCommand(LOWEST_PLACE.createdAt)} publishes all again, of which only what is missing lands`,
  ];
}

function requestTrouble({ paused, refusals }: { paused: Pause | null; refusals: Refusal[] }): string[] {
  const lines = paused === null ? [] : [`paused since ${paused.since}${because(paused.reason)}`];
  const refusal = refusals.at(-1);
  if (refusal !== undefined) {
    lines.push(`signal ${refusal.signal} was refused at ${refusal.at}: ${refusal.problem}`);
  }
  return lines;
}

function mended(error: LastError | null): string[] {
  if (error === null) return [];
  return [
    `last error, mended at ${error.at} by attempt ${error.attempts} of ${error.activity}: ${error.error}`,
  ];
}

function lastReset<Place>(resets: Reset<Place>[], format: (place: Place) => string): string[] {
  const reset = resets.at(-1);
  if (reset === undefined) return [];
  return [`reset at ${reset.at} from ${format(reset.from)} to ${format(reset.to)}${because(reset.reason)}`];
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${reason})`;
}
