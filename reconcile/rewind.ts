/** What setting the watermark elsewhere would do, counted beforehand. Reads only. */
import { queryLake, quoteName } from '../adapters/lake/reading';
import { ORDERS } from '../domain/table/orders';
import { compareWatermarks, type Watermark } from '../domain/watermark';
import type { LakeStorage, SourceRows } from '../ports';

export interface Rewind {
  from: Watermark;
  to: Watermark;
  /** Backwards rows are published again; forwards they are passed over and never captured. */
  direction: 'backwards' | 'forwards' | 'nowhere';
  /** Rows of the source between the two places, and how many of them stand in lake and quarantine already. */
  rows: number;
  landed: number;
  quarantined: number;
}

/** Counts the rows after the earlier and up to the later of two places. Transient errors and missing rights as in capture. */
export async function countRewind(
  { sourceRows, lake }: { sourceRows: SourceRows; lake: LakeStorage },
  from: Watermark,
  to: Watermark,
): Promise<Rewind> {
  const order = compareWatermarks(to, from);
  const direction = order < 0 ? 'backwards' : order > 0 ? 'forwards' : 'nowhere';
  const [low, high] = order < 0 ? [to, from] : [from, to];
  const inLake = async (quarantine: boolean) => {
    const within = `${lakePlace('>', low)} AND ${lakePlace('<=', high)}`;
    const rows = await queryLake(
      lake,
      `SELECT count(DISTINCT (${KEY}, ${POSITION}))::DOUBLE FROM files WHERE ${within}`,
      { quarantine },
    );
    return Number(rows[0]?.[0] ?? 0);
  };
  const source = await sourceRows.open();
  return {
    from,
    to,
    direction,
    rows: await source.countBetween(low, high),
    landed: await inLake(false),
    quarantined: await inLake(true),
  };
}

const [KEY, POSITION] = [quoteName(ORDERS.key.name), quoteName(ORDERS.position.name)];

/** (position, key) against a place; rows of quarantine without a key stand last among those of their time. */
function lakePlace(comparison: '>' | '<=', { createdAt, orderId }: Watermark): string {
  const at = `make_timestamptz(epoch_us(TIMESTAMP '${createdAt.slice(0, 26).replace('T', ' ')}'))`;
  const id = `coalesce(${KEY}, 9223372036854775807)`;
  return `(${POSITION} ${comparison === '>' ? '>' : '<'} ${at} OR (${POSITION} = ${at} AND ${id} ${comparison} ${BigInt(orderId)}))`;
}
