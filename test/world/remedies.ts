/** Remedies as they stand in what `orders status` prints, run as an operator runs them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { statementsIn } from '../adapters/postgres/source-shape-helpers';
import { asOperator, commandsIn } from '../faults/as-operator';
import type { Harness } from '../faults/harness';
import { orders } from '../../dev/oracle';

/** As one transaction. */
export const sql = (text: string | ((n: number) => string)) => (harness: Harness, n: number) =>
  harness.pipeline.pool.query(typeof text === 'string' ? text : text(n));

/** `npm run orders -- …` as it stands in a text. */
export async function runOrders({ pipeline }: Harness, text: string): Promise<void> {
  const [command] = /npm run orders -- [a-z-]+/.exec(text) ?? [];
  await promisify(execFile)('sh', ['-c', command!], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, ...pipeline.env },
  });
}

/** Runs the statements that `status` tells, and then starts capture as it tells. */
export async function byStatements(harness: Harness): Promise<void> {
  const { output } = await orders(harness, 'status');
  const statements = statementsIn(output);
  expect(statements).not.toEqual([]);
  for (const statement of statements) await harness.pipeline.pool.query(statement);
  await runOrders(harness, output);
}

/** Runs one of the commands with which `status` tells to start capture again, of which there are `of`. */
export const byCommand =
  (place: number, of: number) =>
  async (harness: Harness): Promise<void> => {
    const { output } = await orders(harness, 'status');
    const commands = commandsIn(output).filter((command) => command.includes('signal-with-start'));
    expect(commands).toHaveLength(of);
    await asOperator(harness, commands[place]);
  };
