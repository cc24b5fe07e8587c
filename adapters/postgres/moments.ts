/** Whether rows that were captured still are where they were, after the position got another type, or is read in another zone. */
import { escapeLiteral } from 'pg';
import { captureFrom } from '../../domain/data-loss';
import { NonRetryableError } from '../../domain/errors';
import type { SourceIdentity } from '../../domain/source-id';
import { formatTimestamp, LOWEST_ORDER_ID, parseTimestamp, type Watermark } from '../../domain/watermark';
import type { Queries } from './check';
import { columnOf } from './column-names';
import { keyOf, positionLiteral, positionOf, positionUtc, utcText, type TableShape } from './sql';

const SECOND = 1_000_000n;

interface Moved {
  shape: TableShape;
  known: SourceIdentity;
  found: SourceIdentity;
  /** The last row that was captured. */
  at: Watermark;
  /** Where its position is now, UTC. */
  now: string;
}

/**
 * Passes where the last captured row has the position it had, as then the others have theirs; NonRetryableError SchemaMismatch
 * with the statement that mends it where it has not, or where that row is gone.
 */
export async function refuseMoved(
  pool: Queries,
  shape: TableShape,
  { known, found, at }: { known: SourceIdentity; found: SourceIdentity; at: Watermark },
): Promise<void> {
  if (at.orderId === LOWEST_ORDER_ID) return;
  const change = `${shape.table.position.name} of ${found.table} was ${known.createdAt} and is ${found.createdAt}`;
  if (precisionOf(found) < precisionOf(known)) {
    const before = formatTimestamp(parseTimestamp(at.createdAt)! - SECOND);
    throw new NonRetryableError(
      'SchemaMismatch',
      `${change}: its moments were rounded, and cannot be told from those of rows that were not captured yet. Go on from a second ` +
        `before the last one captured: ${captureFrom({ createdAt: before, orderId: LOWEST_ORDER_ID })}`,
    );
  }
  const { rows } = await pool.query<{ at: string }>(
    `SELECT ${utcText(positionUtc(shape))} AS at FROM ${shape.name} t WHERE ${keyOf(shape)} = $1::bigint LIMIT 100`,
    [at.orderId],
  );
  if (rows.some((row) => row.at === at.createdAt)) return;
  const [first] = rows;
  if (first === undefined) {
    throw new NonRetryableError(
      'SchemaMismatch',
      `${change}, and the last order captured, ${at.orderId}, is gone, so it cannot be told whether the moments are the same. ` +
        `If they are, go on: ${captureFrom(at)}`,
    );
  }
  const moved = { shape, known, found, at, now: first.at };
  throw new NonRetryableError(
    'SchemaMismatch',
    `${change}: order ${at.orderId} was captured with ${at.createdAt} and has ${first.at} now. Nothing was captured since. ` +
      `${await adviceFor(pool, moved)} Then start the capture again; it goes on where it was.`,
  );
}

const precisionOf = ({ createdAt }: SourceIdentity) => Number(/\((\d)\)/.exec(createdAt)?.[1] ?? 6);
const zoneOf = ({ createdAt }: SourceIdentity) => createdAt.split('@')[1];

async function adviceFor(pool: Queries, moved: Moved): Promise<string> {
  const { shape, known, at, now } = moved;
  const before = zoneOf(known);
  if (known.createdAt.startsWith('timestamp(') && shape.positionType === 'timestamp')
    return `Set postgres.timezone to ${before} again.`;
  const zone = await zoneOfChange(pool, moved);
  const [key, position] = [columnOf(shape.table.key), columnOf(shape.table.position)];
  const alter = (using: string) =>
    `Run: ALTER TABLE ${shape.name} ALTER ${position} TYPE timestamptz USING ${using};`;
  const shift = `interval '${Number(parseTimestamp(at.createdAt)! - parseTimestamp(now)!) / 1e6} seconds'`;
  if (before === undefined) {
    // Was timestamptz. What was inserted since is in the same zone.
    return zone === undefined
      ? alter(`(${position} AT TIME ZONE ${escapeLiteral(shape.timezone)}) + ${shift}`)
      : alter(`${position} AT TIME ZONE ${escapeLiteral(zone)}`);
  }
  const mended =
    zone === undefined
      ? `${position} + ${shift}`
      : `${position} AT TIME ZONE ${escapeLiteral(zone)} AT TIME ZONE ${escapeLiteral(before)}`;
  const last = await lastMoved(pool, moved);
  return (
    alter(`CASE WHEN ${key} <= ${last} THEN ${mended} ELSE ${position} END`) +
    ` (Order ${last} seems to be the last that was there when the type was changed; later ones are right as they are.)`
  );
}

/** The zone of the session that changed the type: one that is set for this database and explains the difference. */
async function zoneOfChange(pool: Queries, { shape, known, at, now }: Moved): Promise<string | undefined> {
  const local = zoneOf(known);
  // Was local text, read in the session's zone; or a moment, written in it.
  const explains =
    local === undefined
      ? `$1::timestamptz AT TIME ZONE zone = $2::timestamptz AT TIME ZONE ${escapeLiteral(shape.timezone)}`
      : `$1::timestamptz AT TIME ZONE ${escapeLiteral(local)} AT TIME ZONE zone = $2::timestamptz`;
  const { rows } = await pool.query<{ zone: string }>(
    `SELECT zone FROM (
       SELECT 1 AS place, reset_val AS zone FROM pg_settings WHERE name = 'TimeZone'
       UNION ALL
       SELECT 2, split_part(setting, '=', 2) FROM pg_db_role_setting, unnest(setconfig) setting
        WHERE lower(setting) LIKE 'timezone=%'
          AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) z
      WHERE EXISTS (SELECT FROM pg_timezone_names n WHERE n.name = zone) AND ${explains}
      ORDER BY place, zone LIMIT 1`,
    [at.createdAt, now],
  );
  return rows[0]?.zone;
}

/** Rows of before the change follow the captured one on its new side; those of after it are at the real time. */
async function lastMoved(pool: Queries, { shape, at, now }: Moved): Promise<string> {
  const [key, position] = [keyOf(shape), positionOf(shape)];
  const side =
    now > at.createdAt
      ? `${position} >= ${positionLiteral(shape, now)}`
      : `${position} < ${positionLiteral(shape, at.createdAt)}`;
  const { rows } = await pool.query<{ last: string | null }>(
    `SELECT max(${key})::text AS last FROM ${shape.name} t WHERE ${key} >= $1::bigint AND ${side}`,
    [at.orderId],
  );
  return rows[0]?.last ?? at.orderId;
}
