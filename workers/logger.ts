import { DefaultLogger, type LogEntry, type LogLevel } from '@temporalio/worker';

/** One line an event, with what a person needs of it: time, level, what, which attempt, and the error's message. */
export function lineLogger(level: string): DefaultLogger {
  return new DefaultLogger(level.toUpperCase() as LogLevel, (entry) => {
    if (isNews(entry)) process.stderr.write(`${line(entry)}\n`);
  });
}

/** The SDK says at every start that a feature nobody asked for is not in use. */
function isNews({ message }: LogEntry): boolean {
  return !message.startsWith('No Nexus services registered');
}

function line({ level, message, timestampNanos, meta = {} }: LogEntry): string {
  const { activityType, workflowType, attempt, error, state, taskQueue } = meta as Record<string, unknown>;
  const words = [new Date(Number(timestampNanos / 1_000_000n)).toISOString(), level, message];
  const subject = activityType ?? workflowType ?? taskQueue;
  if (typeof subject === 'string') words.push(subject);
  if (typeof state === 'string') words.push(state);
  if (typeof attempt === 'number' && attempt > 1) words.push(`attempt ${attempt}`);
  if (error !== undefined) words.push(`- ${messageOf(error)}`);
  return words.join(' ');
}

function messageOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'message' in error
    ? String(error.message)
    : String(error);
}
