/** Rows that capture does not reach, counted: see domain/unreachable.ts. */
import { escapeLiteral } from 'pg';
import {
  kindOf,
  AHEAD_MS,
  MOST_COUNTED,
  type Unreachable,
  type UnreachableKind,
} from '../../domain/unreachable';
import { compareWatermarks, formatTimestamp, parseTimestamp, type Watermark } from '../../domain/watermark';
import type { Gap } from '../../domain/gaps';
import { columnOf } from './column-names';
import {
  after,
  keyOf,
  positionLiteral,
  positionOf,
  positionUtc,
  upTo,
  utcText,
  type TableShape,
} from './sql';

const MOST_EXAMPLES = 5;
const HIGHEST_ORDER_ID = '9223372036854775807';

export interface RegionOptions {
  /** How far capture has come; absent where it is not known. */
  upTo?: Watermark;
  gaps: readonly Gap[];
  /** The database's clock, UTC. */
  clock: string;
}

/** A part of the order of places. No row is in two of them, and one that capture has passed or will come to is in none. */
interface Region {
  kind: UnreachableKind;
  where: string;
  /** How a position there is shown; absent where it says nothing. */
  shown?: string;
  detail?: string;
}

const beginning = (shape: TableShape) => positionLiteral(shape, '0001-01-01 00:00:00Z');
const end = (shape: TableShape) => positionLiteral(shape, '10000-01-01 00:00:00Z');

function regionsOf(shape: TableShape, { upTo: reached, gaps, clock }: RegionOptions): Region[] {
  const ahead = {
    createdAt: formatTimestamp(parseTimestamp(clock)! + BigInt(AHEAD_MS) * 1000n),
    orderId: HIGHEST_ORDER_ID,
  };
  // What capture has passed already, after its clock was set back, say, is not ahead of it.
  const future = reached !== undefined && compareWatermarks(reached, ahead) > 0 ? reached : ahead;
  const utc = utcText(positionUtc(shape));
  const position = positionOf(shape);
  // UTC may be out of range there.
  const local = (format: string) => `to_char(${position}, '${format}')`;
  return [
    ...gaps.map((gap) => ({
      kind: kindOf(gap),
      where: within(shape, gap),
      shown: utc,
      detail: gap.detail,
    })),
    { kind: 'in the future', where: `${after(shape, future)} AND ${position} < ${end(shape)}`, shown: utc },
    { kind: 'without created_at', where: `${position} IS NULL` },
    { kind: 'infinity', where: `${position} = 'infinity'` },
    { kind: '-infinity', where: `${position} = '-infinity'` },
    {
      kind: 'before year 1',
      where: `${position} > '-infinity' AND ${position} < ${beginning(shape)}`,
      shown: local('YYYY-MM-DD HH24:MI:SS BC'),
    },
    {
      kind: 'after year 9999',
      where: `${position} >= ${end(shape)} AND ${position} < 'infinity'`,
      shown: local('YYYY-MM-DD HH24:MI:SS'),
    },
  ];
}

/** Rows in a gap; the table's alias is `t`. */
export function within(shape: TableShape, gap: Pick<Gap, 'after' | 'upTo'>): string {
  return `${after(shape, gap.after)} AND ${upTo(shape, gap.upTo)}`;
}

/** An expression of type json[]; see {@link readUnreachable}. With an index on (position, key) each part reads what it counts. */
export function unreachableSql(shape: TableShape, options: RegionOptions): string {
  const counts = regionsOf(shape, options).map(
    ({ where, shown = 'NULL::text' }) => `(
    SELECT json_build_object(
             'rows', count(*), 'from', (array_agg(at))[1], 'to', (array_agg(at))[count(*)],
             'examples', (array_remove(array_agg(key), NULL))[1:${MOST_EXAMPLES}])
      FROM (SELECT ${keyOf(shape)}::text AS key, ${shown} AS at FROM ${shape.name} t
             WHERE ${where} ORDER BY ${positionOf(shape)}, ${keyOf(shape)} LIMIT ${MOST_COUNTED + 1}) r)`,
  );
  return `array[${counts.join(', ')}]::json[]`;
}

export interface RegionRow {
  rows: number;
  from: string | null;
  to: string | null;
  examples: string[] | null;
}

/** What {@link unreachableSql} with the same options gave; kinds without a row are left out. */
export function readUnreachable(
  shape: TableShape,
  options: RegionOptions,
  found: readonly RegionRow[],
): Unreachable[] {
  return regionsOf(shape, options).flatMap(({ kind, where, detail }, index): Unreachable[] => {
    const { rows, from, to, examples } = found[index]!;
    if (rows === 0) return [];
    const more = rows > MOST_COUNTED;
    return [
      {
        kind,
        rows: more ? MOST_COUNTED : rows,
        more: more || undefined,
        from,
        to: more ? null : to,
        examples: examples ?? [],
        ...(detail === undefined
          ? { mend: mendSql(shape, kind === 'in the future' ? fromOn(shape, from!) : where) }
          : { detail }),
      },
    ];
  });
}

/** Rows from the first on: none that capture has passed, which would land a second time. */
function fromOn(shape: TableShape, from: string): string {
  return `${positionOf(shape)} >= ${positionLiteral(shape, from)} AND ${positionOf(shape)} < ${end(shape)}`;
}

/** The statement that gives rows the present as their position, whatever the session's zone is. */
function mendSql({ name, table, positionType, timezone }: TableShape, where: string): string {
  const present = positionType === 'timestamptz' ? 'now()' : `now() AT TIME ZONE ${escapeLiteral(timezone)}`;
  return `UPDATE ${name} t SET ${columnOf(table.position)} = ${present} WHERE ${where}`;
}
