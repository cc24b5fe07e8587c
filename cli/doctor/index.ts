import type { Client } from '@temporalio/client';
import { loadSettings } from '../../configs/load';
import type { Settings } from '../../configs/schema';
import { loadTemporal } from '../../configs/temporal';
import { withClient } from '../client';
import { table } from '../table';
import type { Finding, Grade } from './finding';
import { examineKafka } from './kafka';
import { examineLake } from './lake';
import { examinePostgres } from './postgres';
import { examineTemporal, isThisMachine } from './temporal';

/** `npm run orders -- doctor`: exit code 1 if anything is broken. */
export async function doctor({ json }: { json?: boolean }): Promise<void> {
  const settings = loadSettings();
  const { address } = loadTemporal();
  const [temporal, ...others] = await Promise.all([
    withClient((client) => examineTemporal(client, address)).catch((error: Error) => ({
      findings: [unreachable(error)],
      workerHosts: [],
    })),
    examinePostgres(settings),
    examineKafka(settings),
    examineLake(settings),
  ]);
  const findings = [...others.flat(), ...temporal.findings];
  const notes = elsewhere(temporal.workerHosts);
  const broken = findings.some(({ grade }) => grade === 'broken');
  if (json === true) console.log(JSON.stringify({ broken, findings, notes }, null, 2));
  else console.log([...lines(findings), ...notes.map((note) => `note: ${note}`)].join('\n'));
  // A look that was given up may go on indefinitely.
  process.exit(broken ? 1 : 0);
}

/**
 * What would end the workflows as soon as they are started; nothing where all is well. PostgreSQL and Kafka are looked at
 * only where the workers run, or would: what this machine cannot reach says nothing about another one. The lake is left to
 * the workers, who may run as another user. A transient error is not in the way, the workflows wait for its end.
 */
export async function findObstacles(client: Client, settings: Settings): Promise<string[]> {
  const temporal = await examineTemporal(client, loadTemporal().address);
  const here = elsewhere(temporal.workerHosts).length === 0;
  const others = here ? await Promise.all([examinePostgres(settings), examineKafka(settings)]) : [];
  return [...temporal.findings, ...others.flat()]
    .filter(({ grade, lasting }) => grade === 'broken' && lasting === true)
    .map(({ server, about, found, toDo }) => `${server}, ${about}: ${found} To do: ${toDo}.`);
}

function elsewhere(workerHosts: readonly string[]): string[] {
  if (workerHosts.length === 0 || workerHosts.some(isThisMachine)) return [];
  return [
    `the workers run on ${workerHosts.join(', ')}, so what is said of PostgreSQL, Kafka and the lake is how it looks ` +
      'from here, with the settings of here: run the doctor there',
  ];
}

function unreachable(error: Error): Finding {
  const toDo = 'start it, or set TEMPORAL_ADDRESS';
  return { server: 'Temporal', about: 'server', grade: 'broken', found: error.message, toDo };
}

const MARKS: Record<Grade, string> = { fine: 'fine', warning: 'WARNING', broken: 'BROKEN' };

/** A table, and under a line that needs it what to do. */
function lines(findings: readonly Finding[]): string[] {
  const rows = table(
    findings.map(({ server, about, grade, found }) => [server, about, MARKS[grade], found]),
    [],
  );
  return rows.flatMap((row, index) => {
    const { toDo } = findings[index]!;
    return toDo === undefined ? [row] : [row, `    to do: ${toDo}`];
  });
}
