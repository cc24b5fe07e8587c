/** Remedies as they stand in what `orders status` prints, run as an operator runs them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { statementsIn } from '../adapters/postgres/source-shape-helpers';
import { asOperator, commandsIn } from '../faults/as-operator';
import type { Rig } from '../faults/rig';
import { orders } from '../../dev/oracle';

/** As one transaction. */
export const sql = (text: string | ((n: number) => string)) => (rig: Rig, n: number) =>
  rig.pipeline.pool.query(typeof text === 'string' ? text : text(n));

/** `npm run orders -- …` as it stands in a text. */
export async function runOrders({ pipeline }: Rig, text: string): Promise<void> {
  const [command] = /npm run orders -- [a-z-]+/.exec(text) ?? [];
  await promisify(execFile)('sh', ['-c', command!], {
    cwd: join(__dirname, '../..'),
    env: { ...process.env, ...pipeline.env },
  });
}

/** Runs the statements that `status` tells, and then starts capture as it tells. */
export async function byStatements(rig: Rig): Promise<void> {
  const { output } = await orders(rig, 'status');
  const statements = statementsIn(output);
  expect(statements).not.toEqual([]);
  for (const statement of statements) await rig.pipeline.pool.query(statement);
  await runOrders(rig, output);
}

/** Runs one of the commands with which `status` tells to start capture again, of which there are `of`. */
export const byCommand =
  (place: number, of: number) =>
  async (rig: Rig): Promise<void> => {
    const { output } = await orders(rig, 'status');
    const commands = commandsIn(output).filter((command) => command.includes('signal-with-start'));
    expect(commands).toHaveLength(of);
    await asOperator(rig, commands[place]);
  };
