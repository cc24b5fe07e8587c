/**
 * Others move, cut, delete and put back files of the lake. Each remedy is taken out of what the product says, and run as it
 * stands there.
 */
import fs from 'node:fs/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { insertOrders } from '../../dev/orders/insert-orders';
import { sideBySide } from '../faults/side-by-side';
import { eventually } from '../helpers/pipeline';
import { startWorkers } from '../helpers/processes';
import { orders } from '../../dev/oracle';
import {
  ROWS,
  landed,
  expectWhole,
  rewind,
  landedBeside,
  newestFile,
  newestEntry,
  statusSays,
  commandsIn,
  processBatch,
  run,
  failure,
  failureNow,
  restartLanding,
  deleteMessages,
  makeLake,
} from './lake-operator';

sideBySide(
  [
    {
      'a file is cut, and a rewind looks into it': async (harness) => {
        await landed(harness);
        const file = await newestFile(harness);
        await fs.truncate(file, 50);
        await rewind(harness);
        await insertOrders(harness.pipeline.pool, ROWS);
        const [line] = await statusSays(harness, /not what the ledger says: .* has 50 bytes/);
        expect(line).toContain(file);
        await landedBeside(harness, file);
        await processBatch(harness, line!);
        await expectWhole(harness);
      },

      'two files are cut, each of which the replay of the other looks into': async (harness) => {
        await landed(harness);
        const one = await newestFile(harness);
        await landed(harness);
        const files = [one, await newestFile(harness)];
        for (const file of files) await fs.truncate(file, 50);
        const lines = await statusSays(harness, /not what the ledger says: .* has 50 bytes/, 2);
        for (const line of lines) await processBatch(harness, line);
        await expectWhole(harness);
      },

      'a file is deleted while nothing else happens': async (harness) => {
        await landed(harness);
        await fs.rm(await newestFile(harness));
        const [line] = await statusSays(harness, /not what the ledger says: .* is missing/);
        await processBatch(harness, line!);
        await expectWhole(harness);
      },

      'a file is deleted, its orders land again, and a copy is put back': async (harness) => {
        await landed(harness);
        const file = await newestFile(harness);
        const copy = await fs.readFile(file);
        await fs.rm(file);
        await rewind(harness);
        await landed(harness);
        await fs.writeFile(file, copy);
        const audit = await orders(harness, 'audit');
        expect(audit.code).toBe(1);
        const lines = audit.output.split('\n').filter((line) => line.includes('more than once'));
        expect(lines).not.toEqual([]);
        for (const line of lines) await processBatch(harness, line);
        await expectWhole(harness);
      },

      'a date directory is renamed': async (harness) => {
        await landed(harness);
        const { lakePath } = harness.pipeline;
        const [date] = (await fs.readdir(lakePath)).filter((name) => name.startsWith('date='));
        await fs.rename(join(lakePath, date!), join(lakePath, `${date}.old`));
        await statusSays(harness, /not what the ledger says: .* is missing/);
        const { output } = await orders(harness, 'audit');
        const lines = output.split('\n').filter((line) => line.startsWith('problem'));
        expect(lines.join('\n')).toMatch(/date=[\d-]+\.old: is in no ledger entry.*: mv /);
        for (const line of lines) await processBatch(harness, line);
        await expectWhole(harness);
      },
    },
    {
      'a file is deleted whose messages Kafka no longer holds': async (harness) => {
        await landed(harness);
        await fs.rm(await newestFile(harness));
        await deleteMessages(harness);
        const [line] = await statusSays(harness, /not what the ledger says: .* is missing/);
        const refusal = await processBatch(harness, line!);
        expect(refusal.code).toBe(1);
        expect(refusal.output).toMatch(/cannot be landed again: Kafka no longer holds all its messages/);
        const [audit, publishAgain, giveUp] = commandsIn(refusal.output);
        expect((await run(harness, audit!)).output).toMatch(/is missing: its \d+ rows are lost to readers/);
        await run(harness, publishAgain!);
        await landed(harness);
        const given = await run(harness, giveUp!);
        expect(given.output).toMatch(/1 of 1 batch, 0 failed/);
        await expectWhole(harness);
      },

      'the newest entry of the ledger is edited': async (harness) => {
        await landed(harness);
        const entry = await newestEntry(harness);
        const kept = readFileSync(entry, 'utf8');
        writeFileSync(entry, kept.replace('"sequence"', ' "sequence"'));
        await insertOrders(harness.pipeline.pool, ROWS);
        const message = await failure(harness);
        expect(message).toMatch(
          /LakeMismatch.*, the ledger's newest entry, was changed since it was written/,
        );
        writeFileSync(entry, kept);
        await run(harness, commandsIn(message).at(-1)!);
        await expectWhole(harness);
      },

      'the newest entry of the ledger is cut, and there is no copy of it': async (harness) => {
        await landed(harness);
        await fs.truncate(await newestEntry(harness), 30);
        await restartLanding(harness);
        const [line] = await statusSays(harness, /retrying openLanding.*is not a ledger entry/);
        await run(harness, /take it away: (mv .*?) and land/.exec(line!)![1]!);
        for (const command of commandsIn(line!).filter((one) => !one.startsWith('mv ')))
          await run(harness, command);
        await landed(harness);
        await expectWhole(harness);
      },
    },
    {
      'the lake is moved away and put back': async (harness) => {
        const { lakePath } = harness.pipeline;
        await landed(harness);
        await fs.rename(lakePath, `${lakePath}.moved`);
        await statusSays(harness, /retrying claimMicroBatch.*lake is not there\. Was it moved/);
        await insertOrders(harness.pipeline.pool, ROWS);
        await fs.rename(`${lakePath}.moved`, lakePath);
        await expectWhole(harness);
      },

      'the directory _staging is removed': async (harness) => {
        await landed(harness);
        await fs.rm(join(harness.pipeline.lakePath, '_staging'), { recursive: true });
        await insertOrders(harness.pipeline.pool, ROWS);
        const message = await failure(harness);
        expect(message).toMatch(/was removed, and no other landing has opened the lake since/);
        await run(harness, commandsIn(message)[0]!);
        await expectWhole(harness);
      },

      'a second group of workers has another lake': async (harness) => {
        const { pipeline } = harness;
        await landed(harness);
        const directory = join(pipeline.directory, 'staging');
        await fs.mkdir(directory);
        const file = join(directory, 'settings.yml');
        const settings = readFileSync(pipeline.env['ORDERS_CONFIG']!, 'utf8');
        writeFileSync(file, settings.replace(pipeline.lakePath, join(directory, 'lake')));
        await makeLake(join(directory, 'lake'));
        const env = { ...pipeline.env, ORDERS_CONFIG: file };
        const others = await startWorkers({ ...pipeline, env, directory });
        try {
          await eventually(async () => {
            await insertOrders(pipeline.pool, 5);
            expect(await failureNow(harness)).toMatch(
              /LakeMismatch.*staging\/lake \(id .*has opened .*\/lake \(id /,
            );
          }, 60_000);
        } finally {
          await others.kill();
        }
        await run(harness, 'npm run orders -- start');
        await expectWhole(harness);
      },

      'the lake is emptied: neither a running landing nor a new one takes it for a new lake': async (
        harness,
      ) => {
        const { lakePath } = harness.pipeline;
        await landed(harness);
        for (const name of await fs.readdir(lakePath)) await fs.rm(join(lakePath, name), { recursive: true });
        const [line] = await statusSays(harness, /retrying claimMicroBatch.*lake is empty\. Was it moved/);
        await restartLanding(harness);
        expect(await failure(harness)).toMatch(
          /LakeMismatch.*lake is empty, but the consumer group .* have landed/,
        );
        const doctor = await orders(harness, 'doctor');
        expect(doctor.code).toBe(1);
        expect(doctor.output).toMatch(/ledger +BROKEN .*is empty, but the consumer group/);
        for (const command of commandsIn(line!)) await run(harness, command);
        await landed(harness);
        await expectWhole(harness);
      },
    },
  ],
  900_000,
); // most of it is spent in programs that are started, which a busy machine does slowly
