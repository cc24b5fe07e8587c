import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { distance } from 'fastest-levenshtein';
import { isMap, LineCounter, parseDocument, type Document, type YAMLParseError } from 'yaml';
import type { z } from 'zod';
import { cut } from '../domain/bounded';
import { NonRetryableError } from '../domain/errors';
import { settingsSchema, type Settings } from './schema';
import { ORDERS } from '../domain/table/orders';
import { fill } from './fill';
import { NEVER_SHOWN } from './secrets';

/** The settings file used when ORDERS_CONFIG does not name another, relative to the project. */
const DEFAULT_SETTINGS_FILE = 'configs/orders_stream.yml';

/** Keys of the replaced pipeline that mean nothing here, and what to do instead. */
const RETIRED: Record<string, string> = {
  'streaming.checkpoint_location': 'offsets live in workflow history and in the ledger; remove the key',
  'kafka.starting_offsets':
    'a new lake starts at the earliest offset; use the resetOffsets signal; remove the key',
  'cdc.mode': `capture always polls by (${ORDERS.position.name}, ${ORDERS.key.name}); remove the key`,
};

/**
 * Reads and checks the settings once, at the edge; nothing else reads the environment.
 *
 * @throws NonRetryableError InvalidSettings, which names the file, each wrong key, what was found and what is allowed.
 */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const file = env['ORDERS_CONFIG'] ?? DEFAULT_SETTINGS_FILE;
  let source: string;
  try {
    source = readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, [
      `cannot be read (${(error as Error).message}); set ORDERS_CONFIG to a settings file`,
    ]);
  }
  return parseSettings(source, file, env);
}

/** {@link loadSettings} for text at hand; `file` is for messages only. */
export function parseSettings(source: string, file: string, env: NodeJS.ProcessEnv): Settings {
  const lines = new LineCounter();
  // Its own pretty errors show the line, and with it a secret.
  const document = parseDocument(source, { prettyErrors: false, lineCounter: lines });
  if (document.errors.length > 0)
    throw invalid(
      file,
      document.errors.slice(0, MOST_TOLD).map((error) => syntaxProblem(error, lines)),
    );
  if (document.contents !== null && !isMap(document.contents)) {
    throw invalid(file, ['must be a map of sections (postgres:, kafka:, …)']);
  }
  const filled = fill(plain(document, file), env);
  if (filled.problems.length > 0) throw invalid(file, filled.problems.slice(0, MOST_TOLD));

  const raw = filled.value;
  const parsed = settingsSchema.safeParse(raw);
  if (!parsed.success)
    throw invalid(
      file,
      parsed.error.issues.flatMap((issue) => explain(issue, raw, filled.hidden)),
    );
  const settings = parsed.data;
  // Workers may run from any directory; what they write must not depend on it after this point.
  if (!settings.datalake.path.startsWith('s3://')) settings.datalake.path = resolve(settings.datalake.path);
  settings.streaming.last_processed_timestamp_location = resolve(
    settings.streaming.last_processed_timestamp_location,
  );
  return settings;
}

/** Of errors in YAML, and of keys that are no settings. */
const MOST_TOLD = 20;

function plain(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch {
    throw invalid(file, ['an alias (*name) names nothing, or there are too many']);
  }
}

/** Without what stands in the file at that place. */
function syntaxProblem({ message, pos: [offset] }: YAMLParseError, lines: LineCounter): string {
  const { line, col } = lines.linePos(offset);
  return `line ${line}, column ${col}: ${message.replace(/(?<=\w): [^]*/, '')}`;
}

function invalid(file: string, problems: string[]): NonRetryableError {
  return new NonRetryableError('InvalidSettings', `${file}: ${problems.join('\n  ')}`);
}

function explain(issue: z.core.$ZodIssue, raw: unknown, hidden: Set<string>): string[] {
  const at = issue.path.join('.');
  const inside = issue.code === 'invalid_union' ? problemsInside(issue) : [];
  if (inside.length > 0) return inside.flatMap((problem) => explain(problem, raw, hidden));
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(issue.path);
    return issue.keys.slice(0, MOST_TOLD).map((given) => {
      const key = cut(given, 100);
      const path = at === '' ? key : `${at}.${key}`;
      const retired = Object.hasOwn(RETIRED, path) ? RETIRED[path] : undefined;
      if (retired !== undefined) return `${path} has no effect any more: ${retired}`;
      const nearest = known.find((candidate) => distance(candidate.toLowerCase(), key.toLowerCase()) <= 3);
      const hint = nearest === undefined ? '' : `; did you mean ${at === '' ? nearest : `${at}.${nearest}`}?`;
      const allowed = known.length === 0 ? '' : ` (allowed here: ${known.join(', ')})`;
      return `${path} is not a setting${hint}${allowed}`;
    });
  }
  const found = valueAt(raw, issue.path);
  return [`${at}: found ${show(found, String(issue.path.at(-1)), hidden)}; ${describe(issue, found)}`];
}

/** Of a value that is a map as one alternative wants it: what is wrong with its keys. */
function problemsInside(union: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] {
  return union.errors
    .flat()
    .filter(({ code, path }) => path.length > 0 || code === 'unrecognized_keys')
    .map((problem) => ({ ...problem, path: [...union.path, ...problem.path] }));
}

/** Messages go to logs and into Temporal's history. */
function show(found: unknown, key: string, hidden: Set<string>): string {
  const hide = (name: string, value: unknown) =>
    NEVER_SHOWN.test(name) || hidden.has(value as string) ? '(hidden)' : value;
  return cut(JSON.stringify(hide(key, found), hide) ?? 'nothing', 200);
}

function describe(issue: z.core.$ZodIssue, found: unknown): string {
  if (issue.code === 'invalid_union') {
    // Of the alternatives' complaints, the one that got furthest says most: it was of the right type.
    const nested = issue.errors.flat().filter((inner) => inner.code !== 'invalid_type');
    const first = nested[0] ?? issue.errors.flat()[0];
    return first === undefined ? issue.message : describe(first, found);
  }
  if (issue.code === 'too_small') return `must be at least ${String(issue.minimum)}`;
  if (issue.code === 'too_big') return `must be at most ${String(issue.maximum)}`;
  if (issue.code === 'invalid_value') return `must be ${issue.values.map(String).join(' or ')}`;
  if (issue.code === 'invalid_type') {
    return issue.expected === 'object' ? 'must be a map of keys' : `must be a ${issue.expected}`;
  }
  return issue.message;
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    raw,
  );
}

interface Shape {
  unwrap?(): { shape?: Record<string, Shape> };
}

function keysAt(path: readonly PropertyKey[]): string[] {
  const [section] = path;
  if (section === undefined) return Object.keys(settingsSchema.shape);
  let shape = settingsSchema.shape[section as keyof Settings] as unknown as Shape | undefined;
  for (const key of path.slice(1)) shape = shape?.unwrap?.().shape?.[String(key)];
  return Object.keys(shape?.unwrap?.().shape ?? {});
}
