/** ops/alerts.yml with a clock that runs faster, so that a test need not wait for minutes and hours. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

const RULES = join(__dirname, '../../ops/alerts.yml');

interface Rule {
  alert?: string;
  expr: string;
  for?: string;
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3_600 };

/** Amounts that take hours or gigabytes to come about, and what stands for them in a test. */
const SMALLER: Record<string, [from: string, to: string]> = {
  OrdersSmallFiles: ['> 50000', '> 10'],
  OrdersHistoryLarge: ['> 20000', '> 30'],
};

/**
 * Writes the rules to a file with every time divided by `times`: windows, waits, offsets, and thresholds that are seconds
 * or counts in a window. The bound of freshness, a bucket, stays. 1: the rules as they stand.
 */
export function writeFasterRules(file: string, times: number): void {
  const rules = parse(readFileSync(RULES, 'utf8')) as { groups: { rules: Rule[] }[] };
  const shorter = (text: string) =>
    text.replaceAll(
      /\b(\d+)([smh])\b/g,
      (_, count: string, unit: string) => `${Math.ceil((Number(count) * SECONDS[unit]! * 1_000) / times)}ms`,
    );
  for (const rule of times === 1 ? [] : rules.groups.flatMap((group) => group.rules)) {
    rule.expr = shorter(withSmallerThresholds(rule, times));
    if (rule.for !== undefined) rule.for = shorter(rule.for);
  }
  writeFileSync(file, stringify(rules));
}

/** Ages in seconds, and counts of a window. */
function withSmallerThresholds({ alert = '', expr }: Rule, times: number): string {
  const smaller = SMALLER[alert];
  if (smaller !== undefined) {
    if (!expr.includes(smaller[0])) throw new Error(`${alert} has no ${smaller[0]}`);
    return expr.replace(...smaller);
  }
  return /time\(\) -|_blocked_seconds|increase\(/.test(expr)
    ? expr.replaceAll(/> (\d+)\b(?!\.)/g, (_, bound: string) => `> ${Number(bound) / times}`)
    : expr;
}
