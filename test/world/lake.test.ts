/**
 * Others move, cut, delete and put back files of the lake. Each remedy is taken out of what the product says, and run as it
 * stands there.
 */
import { execFile } from 'node:child_process';
import fs from 'node:fs/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { WORKFLOWS } from '../../domain/names';
import type { LandStatus } from '../../domain/status';
import { insertOrders } from '../../dev/torture/orders';
import type { Rig } from '../faults/rig';
import { sideBySide } from '../faults/side-by-side';
import { eventually, servers } from '../helpers/pipeline';
import { startWorkers } from '../helpers/processes';
import { orders, violations } from '../../dev/oracle';

const ROOT = join(__dirname, '../..');
const ROWS = 60;

sideBySide(
  [
    {
      'a file is cut, and a rewind looks into it': async (rig) => {
        await landed(rig);
        const file = await newestFile(rig);
        await fs.truncate(file, 50);
        await rewind(rig);
        await insertOrders(rig.pipeline.pool, ROWS);
        const [line] = await statusSays(rig, /not what the ledger says: .* has 50 bytes/);
        expect(line).toContain(file);
        await landedBeside(rig, file);
        await carryOut(rig, line!);
        await expectWhole(rig);
      },

      'two files are cut, each of which the replay of the other looks into': async (rig) => {
        await landed(rig);
        const one = await newestFile(rig);
        await landed(rig);
        const files = [one, await newestFile(rig)];
        for (const file of files) await fs.truncate(file, 50);
        const lines = await statusSays(rig, /not what the ledger says: .* has 50 bytes/, 2);
        for (const line of lines) await carryOut(rig, line);
        await expectWhole(rig);
      },

      'a file is deleted while nothing else happens': async (rig) => {
        await landed(rig);
        await fs.rm(await newestFile(rig));
        const [line] = await statusSays(rig, /not what the ledger says: .* is missing/);
        await carryOut(rig, line!);
        await expectWhole(rig);
      },

      'a file is deleted, its orders land again, and a copy is put back': async (rig) => {
        await landed(rig);
        const file = await newestFile(rig);
        const copy = await fs.readFile(file);
        await fs.rm(file);
        await rewind(rig);
        await landed(rig);
        await fs.writeFile(file, copy);
        const audit = await orders(rig, 'audit');
        expect(audit.code).toBe(1);
        const lines = audit.output.split('\n').filter((line) => line.includes('more than once'));
        expect(lines).not.toEqual([]);
        for (const line of lines) await carryOut(rig, line);
        await expectWhole(rig);
      },

      'a date folder is renamed': async (rig) => {
        await landed(rig);
        const { lakePath } = rig.pipeline;
        const [date] = (await fs.readdir(lakePath)).filter((name) => name.startsWith('date='));
        await fs.rename(join(lakePath, date!), join(lakePath, `${date}.old`));
        await statusSays(rig, /not what the ledger says: .* is missing/);
        const { output } = await orders(rig, 'audit');
        const lines = output.split('\n').filter((line) => line.startsWith('problem'));
        expect(lines.join('\n')).toMatch(/date=[\d-]+\.old: is in no ledger entry.*: mv /);
        for (const line of lines) await carryOut(rig, line);
        await expectWhole(rig);
      },
    },
    {
      'a file is deleted whose messages Kafka no longer holds': async (rig) => {
        await landed(rig);
        await fs.rm(await newestFile(rig));
        await deleteMessages(rig);
        const [line] = await statusSays(rig, /not what the ledger says: .* is missing/);
        const refusal = await carryOut(rig, line!);
        expect(refusal.code).toBe(1);
        expect(refusal.output).toMatch(/cannot be landed again: Kafka no longer holds all its messages/);
        const [audit, publishAgain, giveUp] = commandsIn(refusal.output);
        expect((await run(rig, audit!)).output).toMatch(/is missing: its \d+ rows are lost to readers/);
        await run(rig, publishAgain!);
        await landed(rig);
        const given = await run(rig, giveUp!);
        expect(given.output).toMatch(/1 of 1 batch, 0 failed/);
        await expectWhole(rig);
      },

      'the newest entry of the ledger is edited': async (rig) => {
        await landed(rig);
        const entry = await newestEntry(rig);
        const kept = readFileSync(entry, 'utf8');
        writeFileSync(entry, kept.replace('"sequence"', ' "sequence"'));
        await insertOrders(rig.pipeline.pool, ROWS);
        const message = await failure(rig);
        expect(message).toMatch(
          /LakeMismatch.*, the ledger's newest entry, was changed since it was written/,
        );
        writeFileSync(entry, kept);
        await run(rig, commandsIn(message).at(-1)!);
        await expectWhole(rig);
      },

      'the newest entry of the ledger is cut, and there is no copy of it': async (rig) => {
        await landed(rig);
        await fs.truncate(await newestEntry(rig), 30);
        await restartLanding(rig);
        const [line] = await statusSays(rig, /retrying openLanding.*is not a ledger entry/);
        await run(rig, /take it away: (mv .*?) and land/.exec(line!)![1]!);
        for (const command of commandsIn(line!).filter((one) => !one.startsWith('mv ')))
          await run(rig, command);
        await landed(rig);
        await expectWhole(rig);
      },
    },
    {
      'the lake is moved away and put back': async (rig) => {
        const { lakePath } = rig.pipeline;
        await landed(rig);
        await fs.rename(lakePath, `${lakePath}.moved`);
        await statusSays(rig, /retrying claimMicroBatch.*lake is not there\. Was it moved/);
        await insertOrders(rig.pipeline.pool, ROWS);
        await fs.rename(`${lakePath}.moved`, lakePath);
        await expectWhole(rig);
      },

      'the folder _staging is removed': async (rig) => {
        await landed(rig);
        await fs.rm(join(rig.pipeline.lakePath, '_staging'), { recursive: true });
        await insertOrders(rig.pipeline.pool, ROWS);
        const message = await failure(rig);
        expect(message).toMatch(/was removed, and no other landing has opened the lake since/);
        await run(rig, commandsIn(message)[0]!);
        await expectWhole(rig);
      },

      'a second group of workers has another lake': async (rig) => {
        const { pipeline } = rig;
        await landed(rig);
        const folder = join(pipeline.folder, 'staging');
        await fs.mkdir(folder);
        const file = join(folder, 'settings.yml');
        const settings = readFileSync(pipeline.env['ORDERS_CONFIG']!, 'utf8');
        writeFileSync(file, settings.replace(pipeline.lakePath, join(folder, 'lake')));
        await makeLake(join(folder, 'lake'));
        const env = { ...pipeline.env, ORDERS_CONFIG: file };
        const others = await startWorkers({ ...pipeline, env, folder });
        try {
          await eventually(async () => {
            await insertOrders(pipeline.pool, 5);
            expect(await failureNow(rig)).toMatch(
              /LakeMismatch.*staging\/lake \(id .*has opened .*\/lake \(id /,
            );
          }, 60_000);
        } finally {
          await others.kill();
        }
        await run(rig, 'npm run orders -- start');
        await expectWhole(rig);
      },

      'the lake is emptied: neither a running landing nor a new one takes it for a new lake': async (rig) => {
        const { lakePath } = rig.pipeline;
        await landed(rig);
        for (const name of await fs.readdir(lakePath)) await fs.rm(join(lakePath, name), { recursive: true });
        const [line] = await statusSays(rig, /retrying claimMicroBatch.*lake is empty\. Was it moved/);
        await restartLanding(rig);
        expect(await failure(rig)).toMatch(
          /LakeMismatch.*lake is empty, but the consumer group .* have landed/,
        );
        const doctor = await orders(rig, 'doctor');
        expect(doctor.code).toBe(1);
        expect(doctor.output).toMatch(/ledger +BROKEN .*is empty, but the consumer group/);
        for (const command of commandsIn(line!)) await run(rig, command);
        await landed(rig);
        await expectWhole(rig);
      },
    },
  ],
  900_000,
); // most of it is spent in programs that are started, which a busy machine does slowly

/** Some orders more, all of which are where they belong. */
async function landed(rig: Rig): Promise<void> {
  await insertOrders(rig.pipeline.pool, ROWS);
  expect(await violations(rig)).toEqual([]);
}

async function expectWhole(rig: Rig): Promise<void> {
  expect(await violations(rig)).toEqual([]);
  await eventually(async () => {
    const { code, output } = await orders(rig, 'audit');
    expect({ code, output }).toMatchObject({ code: 0 });
  });
  await eventually(async () => expect((await statusOf(rig)).damaged ?? []).toEqual([]));
}

async function rewind({ client }: Rig): Promise<void> {
  await client.workflow.getHandle(WORKFLOWS.landOrders.id).signal('resetOffsets', { offsets: 'earliest' });
}

/** New orders land, although a file is damaged: nothing but that file is missing. */
async function landedBeside(rig: Rig, file: string): Promise<void> {
  const aside = `${file}.away`;
  const copy = await fs.readFile(file);
  await eventually(async () => expect((await statusOf(rig)).lagOffsets).toBe(0));
  await fs.rename(file, aside);
  try {
    expect(await violations(rig)).toEqual([]);
  } finally {
    await fs.rm(aside);
    await fs.writeFile(file, copy);
  }
}

async function newestFile({ pipeline }: Rig): Promise<string> {
  const files = (await fs.readdir(pipeline.lakePath, { recursive: true })).filter((name) =>
    /^date=[^/]*\/part-\d{10}-[0-9a-f]+\.parquet$/.test(name),
  );
  const newest = files.sort((a, b) => (a.slice(a.indexOf('/')) < b.slice(b.indexOf('/')) ? -1 : 1)).at(-1);
  return join(pipeline.lakePath, newest!);
}

async function newestEntry({ pipeline }: Rig): Promise<string> {
  const folder = join(pipeline.lakePath, '_ledger');
  const names = (await fs.readdir(folder)).filter((name) => /^\d+\.json$/.test(name)).sort();
  return join(folder, names.at(-1)!);
}

/** Lines of `orders status`, once there are as many. The program is a process of its own, so it is not run in vain. */
async function statusSays(rig: Rig, line: RegExp, lines = 1): Promise<string[]> {
  await eventually(async () => {
    const handle = rig.client.workflow.getHandle(WORKFLOWS.landOrders.id);
    const { pendingActivities } = (await handle.describe()).raw;
    const failing = pendingActivities?.some(({ lastFailure }) => lastFailure != null) === true;
    if (!failing) expect(((await statusOf(rig)).damaged ?? []).length).toBeGreaterThanOrEqual(lines);
  }, 60_000);
  return eventually(async () => {
    const { output } = await orders(rig, 'status');
    const found = output.split('\n').filter((one) => line.test(one));
    if (found.length < lines) throw new Error(`status does not say ${String(line)}: ${output}`);
    return found;
  }, 60_000);
}

function statusOf({ client }: Rig): Promise<LandStatus> {
  return client.workflow.getHandle(WORKFLOWS.landOrders.id).query<LandStatus>('status');
}

/** The commands in a text, as they stand there and in their order. */
function commandsIn(text: string): string[] {
  const command =
    /mv (?:'[^']*'|\S)+ (?:'[^']*'|\S)+|npm run orders -- [a-z-]+(?: --[a-z-]+(?: [\d,]+)?)*|temporal workflow signal-with-start [^']*'[^']*'|temporal workflow terminate --workflow-id \S+/g;
  return text.match(command) ?? [];
}

/** Runs the last command of a line, which is its remedy. */
function carryOut(rig: Rig, line: string): Promise<{ code: number; output: string }> {
  const command = commandsIn(line).at(-1);
  expect(command).toBeDefined();
  return run(rig, command!);
}

function run({ pipeline }: Rig, command: string): Promise<{ code: number; output: string }> {
  const env = { ...process.env, ...pipeline.env, TEMPORAL_CLI: servers().TEMPORAL_CLI };
  const line = command.replace(/^temporal/, '"$TEMPORAL_CLI"');
  return new Promise((resolve) => {
    execFile('sh', ['-c', line], { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` }),
    );
  });
}

/** Type and message with which the landing has stopped, once it has. */
function failure(rig: Rig): Promise<string> {
  return eventually(async () => {
    const message = await failureNow(rig);
    if (message === undefined) throw new Error('the landing has not stopped');
    return message;
  }, 60_000);
}

async function failureNow({ client }: Rig): Promise<string | undefined> {
  const handle = client.workflow.getHandle(WORKFLOWS.landOrders.id);
  if ((await handle.describe()).status.name !== 'FAILED') return undefined;
  const error = (await handle.result().catch((thrown: unknown) => thrown)) as {
    cause: { cause: { type: string; message: string } };
  };
  const { type, message } = error.cause.cause;
  return `${type}: ${message}`;
}

async function restartLanding({ client }: Rig): Promise<void> {
  const { id: workflowId, taskQueue } = WORKFLOWS.landOrders;
  await client.workflow.getHandle(workflowId).terminate('test');
  await client.workflow.start('landOrders', { workflowId, taskQueue });
}

/** All that the topic holds, as its retention does. */
async function deleteMessages({ pipeline }: Rig): Promise<void> {
  const { topic } = pipeline.settings.kafka;
  const admin = new Kafka({
    brokers: servers().KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  const offsets = await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({
    topic,
    partitions: offsets.map(({ partition, high }) => ({ partition, offset: high })),
  });
  await admin.disconnect();
}

/** A lake as another pipeline has it: with an id of its own. */
async function makeLake(path: string): Promise<void> {
  await fs.mkdir(join(path, '_ledger'), { recursive: true });
  await fs.writeFile(join(path, '_ledger/id'), '{"id": "that of another pipeline"}\n');
}
