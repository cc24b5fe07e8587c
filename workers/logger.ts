import { DefaultLogger, type LogEntry, type Logger } from '@temporalio/worker';
import pino from 'pino';
import type { Settings } from '../configs/schema';
import type { Log, LogDetails } from '../ports';

/** Who speaks: ours by part, `temporal` for its SDK and core. */
export type Module = keyof Settings['logging']['modules'];

type Level = Settings['logging']['level'];
const RANK: Record<Level, number> = { debug: 1, info: 2, warn: 3, error: 4 };

/** One stream of events, of everybody in this process. */
export interface Logs {
  /** For Temporal's SDK. */
  sdk: Logger;
  of(module: Module): Log;
}

/** One event a line, on stderr: as JSON, or for a person where a terminal reads it. `own` stands in each. */
export function createLogs(
  { level, format, modules }: Settings['logging'],
  own: Readonly<Record<string, string>>,
  options: {
    out?: { write(line: string): unknown; isTTY?: boolean };
    /** Of the trace in which a line is logged. */
    ids?: () => LogDetails | undefined;
  } = {},
): Logs {
  const { out = process.stderr, ids = () => undefined } = options;
  const json = format === 'json' || (format === 'auto' && out.isTTY !== true);
  const base = { ...own, pid: process.pid };
  const formatters = { level: (label: string) => ({ level: label }) };
  const logger = pino(
    { level: 'trace', base, formatters, messageKey: 'message', timestamp: pino.stdTimeFunctions.isoTime },
    { write: (line) => void out.write(line) },
  );
  const isWanted = (module: Module, at: Level) => RANK[at] >= RANK[modules[module] ?? level];
  const write = (module: Module, at: Level, message: string, fields: LogDetails) => {
    if (!isWanted(module, at)) return;
    if (json) logger[at]({ module, ...fields, ...ids() }, message);
    else out.write(`${pretty(module, at, message, { ...fields, ...ids() })}\n`);
  };
  return {
    sdk: new DefaultLogger('TRACE', (entry) => {
      const module = entry.meta?.['sdkComponent'] === 'workflow' ? 'pipeline' : 'temporal';
      const at = levelOf(entry);
      // The SDK tells of every activity at a level that is seldom wanted.
      if (isWanted(module, at) && isNews(entry)) write(module, at, entry.message, fieldsOf(entry));
    }),
    of: (module) => ({
      debug: (message, fields = {}) => write(module, 'debug', message, fields),
      info: (message, fields = {}) => write(module, 'info', message, fields),
      warn: (message, fields = {}) => write(module, 'warn', message, fields),
      error: (message, fields = {}) => write(module, 'error', message, fields),
    }),
  };
}

/** The SDK says at every start that a feature nobody asked for is not in use. */
function isNews({ message }: LogEntry): boolean {
  return !message.startsWith('No Nexus services registered');
}

/** Said by us, once, when it begins and when it ends. */
const SAID_BY_US = /^Activity (failed|completed as cancelled)/;

/** What of the SDK's own attributes helps nobody. */
const LEFT_OUT = new Set(['taskToken', 'sdkComponent', 'isLocal', 'error', 'err']);

/** The attributes of an entry of the SDK, by our names. */
function fieldsOf({ meta = {} }: LogEntry): LogDetails {
  const fields: LogDetails = {};
  for (const [name, value] of Object.entries(meta)) {
    if (LEFT_OUT.has(name) || (typeof value !== 'string' && typeof value !== 'number')) continue;
    fields[name === 'workflowRunId' ? 'runId' : name] = value;
  }
  const { error } = meta as Record<string, unknown>;
  if (error !== undefined) fields['error'] = messageOf(error);
  return fields;
}

function levelOf({ level, message }: LogEntry): Level {
  return level === 'TRACE' || SAID_BY_US.test(message) ? 'debug' : (level.toLowerCase() as Level);
}

/** What a person needs of it: time, level, what, and the fields that are not the same in each line. */
const PLAIN = new Set([
  'event',
  'namespace',
  'taskQueue',
  'workflowId',
  'runId',
  'workflowType',
  'activityId',
  'spanId',
  'error',
]);

function pretty(module: Module, level: Level, message: string, fields: LogDetails): string {
  const words = [new Date().toISOString(), level.toUpperCase(), `${module}: ${message}`];
  for (const [name, value] of Object.entries(fields))
    if (!PLAIN.has(name) && value !== undefined) words.push(`${name}=${value}`);
  if (fields['error'] !== undefined) words.push(`- ${fields['error']}`);
  return words.join(' ');
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
