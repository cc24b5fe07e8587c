/**
 * How coarse the position is. now() rounded to whole seconds lies up to half a second before its transaction began, and cut to
 * them up to a whole one: so far below the horizon rows may still come.
 */
import { escapeLiteral } from 'pg';
import { relativesSql } from './relatives';

/** Digits of the column's type, also where it is a domain, and the defaults of the column and of its partitions'. */
export const precisionSql = (position: string) => `
  WITH RECURSIVE columns AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod FROM pg_attribute a
     WHERE a.attname = ${escapeLiteral(position)} AND NOT a.attisdropped
       AND a.attrelid IN ${relativesSql('$1')}
  ), types AS (
    SELECT atttypid AS oid, atttypmod AS digits, NULL::text COLLATE "C" AS of_domain FROM columns
    UNION ALL
    SELECT t.typbasetype, t.typtypmod, t.typdefault COLLATE "C" FROM types JOIN pg_type t ON t.oid = types.oid WHERE t.typtype = 'd'
  )
  SELECT (SELECT min(digits) FROM types WHERE digits >= 0) AS digits,
         array(SELECT pg_get_expr(d.adbin, d.adrelid) COLLATE "C" FROM columns c
                 JOIN pg_attrdef d ON d.adrelid = c.attrelid AND d.adnum = c.attnum
               UNION SELECT of_domain FROM types WHERE of_domain IS NOT NULL) AS defaults`;

export interface Precision {
  /** Decimals of a second; `null`: all six. */
  digits: number | null;
  /** As PostgreSQL prints them. */
  defaults: string[];
}

const SECOND = 1_000_000;
const DAY = 25 * 3_600 * SECOND; // of a day on which the clock is set back

const UNITS: Record<string, number> = {
  microseconds: 1,
  milliseconds: 1_000,
  second: SECOND,
  minute: 60 * SECOND,
  hour: 3_600 * SECOND,
  day: DAY,
  week: 7 * DAY,
  month: 31 * DAY,
  quarter: 92 * DAY,
  year: 366 * DAY,
};

/** What a default may be made of for its grain to be known: a moment of the transaction, cut, and seen in the pipeline's zone. */
const MOMENT =
  /\b(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP|now\(\)|transaction_timestamp\(\)|statement_timestamp\(\)|clock_timestamp\(\)|CURRENT_DATE)/gi;
const CAST = /::(?:date|timestamp(?:\(\d\))? with(?:out)? time zone|text)\b/gi;
const ZONE = /\bAT TIME ZONE '([^']+)'|\btimezone\('([^']+)'/gi;
const CUT = /\bdate_trunc\('([^']+)'/gi;
const DIGITS = /(?:CURRENT_TIMESTAMP|LOCALTIMESTAMP|timestamp)\((\d)\)/gi;

/** How far before its transaction's start a row's position may be, in microseconds, as far as table and defaults tell. */
export function grainMicros({ digits, defaults }: Precision): number {
  return Math.max(digitsGrain(digits ?? 6), ...defaults.map(defaultGrain));
}

const digitsGrain = (digits: number) => (digits >= 6 ? 0 : 10 ** (6 - digits));

function defaultGrain(text: string): number {
  const cuts = [...text.matchAll(CUT)].map(([, unit]) => UNITS[unit!.toLowerCase()] ?? 0);
  const digits = [...text.matchAll(DIGITS)].map(([, places]) => digitsGrain(Number(places)));
  const days = /CURRENT_DATE|::date\b/i.test(text) ? [DAY] : [];
  return Math.max(0, ...cuts, ...digits, ...days);
}

/** The defaults that are something else than a moment of the transaction in this zone, so that nobody knows how early they are. */
export function strangeDefaults({ defaults }: Precision, timezone: string): string[] {
  return defaults.filter((text) => {
    const zones = [...text.matchAll(ZONE)].map(([, one, other]) => one ?? other!);
    const units = [...text.matchAll(CUT)].map(([, unit]) => unit!.toLowerCase());
    if (zones.some((zone) => zone.toLowerCase() !== timezone.toLowerCase())) return true;
    if (units.some((unit) => UNITS[unit] === undefined)) return true;
    if (text.match(MOMENT)?.length !== 1) return true;
    const rest = [CAST, DIGITS, ZONE, CUT, MOMENT].reduce((left, known) => left.replace(known, ''), text);
    return /[^\s(),]/.test(rest.replace(/\(\d\)/g, ''));
  });
}
