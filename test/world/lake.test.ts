/**
 * Others move, cut, delete and put back files of the lake. Each remedy is taken out of what the product says, and run as it
 * stands there.
 */
import fs from 'node:fs/promises';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { insertOrders } from '../../dev/torture/orders';
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
      'a file is cut, and a rewind looks into it': async (rig) => {
        await landed(rig);
        const file = await newestFile(rig);
        await fs.truncate(file, 50);
        await rewind(rig);
        await insertOrders(rig.pipeline.pool, ROWS);
        const [line] = await statusSays(rig, /not what the ledger says: .* has 50 bytes/);
        expect(line).toContain(file);
        await landedBeside(rig, file);
        await processBatch(rig, line!);
        await expectWhole(rig);
      },

      'two files are cut, each of which the replay of the other looks into': async (rig) => {
        await landed(rig);
        const one = await newestFile(rig);
        await landed(rig);
        const files = [one, await newestFile(rig)];
        for (const file of files) await fs.truncate(file, 50);
        const lines = await statusSays(rig, /not what the ledger says: .* has 50 bytes/, 2);
        for (const line of lines) await processBatch(rig, line);
        await expectWhole(rig);
      },

      'a file is deleted while nothing else happens': async (rig) => {
        await landed(rig);
        await fs.rm(await newestFile(rig));
        const [line] = await statusSays(rig, /not what the ledger says: .* is missing/);
        await processBatch(rig, line!);
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
        for (const line of lines) await processBatch(rig, line);
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
        for (const line of lines) await processBatch(rig, line);
        await expectWhole(rig);
      },
    },
    {
      'a file is deleted whose messages Kafka no longer holds': async (rig) => {
        await landed(rig);
        await fs.rm(await newestFile(rig));
        await deleteMessages(rig);
        const [line] = await statusSays(rig, /not what the ledger says: .* is missing/);
        const refusal = await processBatch(rig, line!);
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
