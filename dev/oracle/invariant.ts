/**
 * The invariant, checked from outside: every committed row of the table is in the lake or the quarantine once, or counted in
 * `status`, or its workflow has stopped and said why; and nothing else is there. No code of the product takes part: its
 * programs are run and their answers are checked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { compare, type Declared } from './compare';
import { orders } from './orders-command';
import { TABLE, snapshot, type Sides, type Snapshot } from './sides';
import { observe } from './workflows';

/** A pipeline as the oracle sees it; `test/faults/harness.ts` has all of it. */
export interface Subject {
  pipeline: Pick<Sides, 'pool' | 'lakePath' | 'directory'> & { env: Record<string, string> };
  client: Client;
}

export interface Expected extends Declared {
  /** The table as SQL, if it is not that of a fresh pipeline. */
  table?: string;
  /** In which a created_at without zone is read. */
  timezone?: string;
  /** Just so many rows are counted in `status` and in no file. Without it, no more may be missing than are counted. */
  counted?: number;
  /** A workflow has stopped with a message like this; rows may be in no file then. Without it, both must run. */
  stopped?: RegExp;
  /** Rows may be in no file as long as `orders status` prints a line like this. */
  statusSays?: RegExp;
  /** How long rows have to get there. */
  timeoutMs?: number;
}

/** On a busy machine an attempt that was lost takes 10 s to be noticed, and a restart of workers as long. */
const SETTLED_WITHIN_MS = 60_000;

/** Waits until the invariant holds and keeps holding; returns what is against it, in words, if it does not. */
export async function violations(subject: Subject, expected: Expected = {}): Promise<string[]> {
  const deadline = Date.now() + (expected.timeoutMs ?? SETTLED_WITHIN_MS);
  let last = await look(subject, expected);
  // Once more when all is well: a second copy of a row may be on its way.
  for (let fine = 0; fine < 2 && Date.now() < deadline;) {
    await sleep(400);
    last = await look(subject, expected);
    fine = last.wrong.length === 0 ? fine + 1 : 0;
  }
  return [...last.wrong, ...(last.uncounted > 0 ? await checkVerify(subject, last.uncounted, expected) : [])];
}

/** The table as it is now, for {@link Declared.earlier}. */
export function remember(subject: Subject, expected: Expected = {}): Promise<Snapshot> {
  return snapshot(sidesOf(subject, expected));
}

/** One look, without waiting; `uncounted` are rows that are in no file and not counted in `status`. */
export async function look(
  subject: Subject,
  expected: Expected = {},
): Promise<{ wrong: string[]; uncounted: number; rows: number }> {
  const { counted, closed } = await observe(subject.client);
  const { wrong, missing, rows } = await compare(sidesOf(subject, expected), expected);
  const stopped = closed.filter(({ message }) => expected.stopped?.test(message) === true);
  for (const { id, status, message } of closed.filter((one) => !stopped.includes(one)))
    wrong.push(`${id} does not run: ${status} ${message}`);
  if (expected.stopped !== undefined && stopped.length === 0)
    wrong.push(`no workflow has stopped with ${String(expected.stopped)}`);
  if (expected.counted !== undefined && (missing.rows !== expected.counted || counted !== expected.counted))
    wrong.push(
      `${expected.counted} rows were to be counted; ${missing.rows} are in no file (${missing.examples}), ${counted} counted`,
    );
  if (missing.rows > counted && stopped.length === 0 && !(await statusSays(subject, expected.statusSays)))
    wrong.push(`${missing.rows} rows are in no file, and ${counted} counted: ${missing.examples}`);
  return { wrong, uncounted: Math.max(0, missing.rows - counted), rows };
}

function sidesOf({ pipeline }: Subject, expected: Expected): Sides {
  const { table = TABLE, timezone = 'UTC' } = expected;
  return { ...pipeline, table, timezone };
}

async function statusSays(subject: Subject, line: RegExp | undefined): Promise<boolean> {
  return line !== undefined && line.test((await orders(subject, 'status')).output);
}

/** `orders verify` must not call equal what is not. Where capture has stopped, it may say up to where it is, and that more is there. */
async function checkVerify(subject: Subject, missing: number, { stopped }: Expected): Promise<string[]> {
  const { code, output } = await orders(subject, 'verify');
  if (stopped !== undefined && /there are later rows from .* on$/m.test(output)) return [];
  return code === 0 ? [`verify says equal, with ${missing} rows in no file: ${output.slice(-500)}`] : [];
}
