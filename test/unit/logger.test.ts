/** What workers log: one event a line, with the same field names whoever speaks. */
import { createLogs } from '../../workers/logger';

const SETTINGS = { level: 'info', format: 'auto', modules: {} } as const;

function logging(settings: Partial<Parameters<typeof createLogs>[0]> = {}, isTTY = false) {
  const lines: string[] = [];
  const out = { isTTY, write: (line: string) => lines.push(line) };
  return { lines, logs: createLogs({ ...SETTINGS, ...settings }, { queue: 'land' }, { out }) };
}
const parsed = (lines: string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>);

test('an event is one line of JSON: who, when, what, and its details as fields', () => {
  const { logs, lines } = logging();
  logs.of('lake').warn('two\nlines', { event: 'odd', rows: 3, absent: undefined });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]*\n$/);
  const [{ time, ...rest } = {}] = parsed(lines);
  expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(rest).toEqual({
    ...{ level: 'warn', queue: 'land', pid: process.pid, module: 'lake' },
    ...{ event: 'odd', rows: 3, message: 'two\nlines' },
  });
});

test('what Temporal’s SDK says has the same names, without its token', () => {
  const { logs, lines } = logging({ level: 'debug' });
  const ids = { workflowId: 'orders-land', workflowRunId: 'r', activityType: 'poll', attempt: 2 };
  logs.sdk.warn('Something', {
    ...ids,
    taskToken: 'secret',
    isLocal: false,
    error: new Error('why'),
    sdkComponent: 'core',
  });
  logs.sdk.info('of a workflow', { sdkComponent: 'workflow', runId: 'r' });
  logs.sdk.warn('No Nexus services registered, …');
  expect(parsed(lines)).toEqual([
    expect.objectContaining({
      module: 'temporal',
      level: 'warn',
      workflowId: 'orders-land',
      runId: 'r',
      attempt: 2,
      error: 'why',
    }),
    expect.objectContaining({ module: 'pipeline', level: 'info', runId: 'r' }),
  ]);
  expect(lines.join('')).not.toMatch(/secret|isLocal|workflowRunId|sdkComponent/);
});

test('an attempt that failed is logged by us, so the SDK’s line for each is for debugging', () => {
  const quiet = logging();
  quiet.logs.sdk.warn('Activity failed', { attempt: 4 });
  expect(quiet.lines).toEqual([]);
  const debugging = logging({ level: 'debug' });
  debugging.logs.sdk.warn('Activity failed', { attempt: 4 });
  expect(parsed(debugging.lines)).toEqual([expect.objectContaining({ level: 'debug', attempt: 4 })]);
});

test('each part may have a level of its own', () => {
  const { logs, lines } = logging({ level: 'warn', modules: { kafka: 'debug', lake: 'error' } });
  logs.of('pipeline').info('left out');
  logs.of('pipeline').warn('1');
  logs.of('kafka').debug('2');
  logs.of('lake').warn('left out');
  logs.of('lake').error('3');
  expect(parsed(lines).map(({ message }) => message)).toEqual(['1', '2', '3']);
});

test('on a terminal, or where it is wanted, a line is for a person', () => {
  for (const { logs, lines } of [logging({}, true), logging({ format: 'pretty' })]) {
    logs
      .of('pipeline')
      .info('batch landed', { event: 'batch_landed', workflowId: 'orders-land', sequence: 4, error: 'why' });
    expect(lines.join('')).toMatch(/^\S+Z INFO pipeline: batch landed sequence=4 - why\n$/);
  }
  const { logs, lines } = logging({ format: 'json' }, true);
  logs.of('pipeline').info('batch landed');
  expect(parsed(lines)).toHaveLength(1);
});
