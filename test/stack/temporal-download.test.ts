/** A local site stands for the download, and a script for Go: which of the two makes the executable, and what is told. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installTemporal } from '../../dev/stack/servers/temporal-executable';
import { versions } from '../../dev/stack/versions';

jest.setTimeout(40_000);

const directory = mkdtempSync(join(tmpdir(), 'temporal-download-test-'));
const environment = { ...process.env };
let archive: Buffer;

beforeAll(() => {
  writeFileSync(join(directory, 'temporal'), '#!/bin/sh\necho downloaded\n', { mode: 0o755 });
  execFileSync('tar', ['-czf', join(directory, 'good.tar.gz'), '-C', directory, 'temporal']);
  archive = readFileSync(join(directory, 'good.tar.gz'));
  // Its arguments end with: -o <file> <package>.
  const go =
    '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\nprintf "#!/bin/sh\\necho built\\n" > "$2"\nchmod +x "$2"\n';
  mkdirSync(join(directory, 'bin'));
  writeFileSync(join(directory, 'bin', 'go'), go, { mode: 0o755 });
  // Nothing else is on the PATH: a `temporal` of the machine's would be taken.
  for (const program of ['sh', 'tar', 'gzip', 'chmod']) {
    symlinkSync(
      execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim(),
      join(directory, 'bin', program),
    );
  }
});

afterEach(() => {
  process.env = { ...environment };
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const name = `temporal_cli_${versions.temporalCli}_${process.platform}_${process.arch === 'x64' ? 'amd64' : process.arch}.tar.gz`;

type Answer = (response: ServerResponse) => unknown;
const checksumsOf =
  (bytes: Buffer): Answer =>
  (response) =>
    response.end(
      `${createHash('sha256').update(bytes).digest('hex')}  ${name}\n${'0'.repeat(64)}  other.tar.gz\n`,
    );

/** Installs from a site with these answers; what the executable says, and what was told. */
async function install(checksums: Answer, body: Answer): Promise<{ says: string; told: string[] }> {
  const site = createServer((request, response) => {
    if (request.url === '/checksums.txt') checksums(response);
    else if (request.url === `/${name}`) body(response);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  const cache = mkdtempSync(join(directory, 'cache-'));
  delete process.env['TEMPORAL_CLI'];
  process.env['XDG_CACHE_HOME'] = cache;
  process.env['PATH'] = join(directory, 'bin');
  process.env['TEMPORAL_DOWNLOAD'] = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  const told: string[] = [];
  try {
    const executable = await installTemporal(join(cache, 'log'), (line) => told.push(line));
    expect(existsSync(join(executable, '../archive.tar.gz'))).toBe(false);
    return { says: execFileSync(executable, { encoding: 'utf8' }).trim(), told };
  } finally {
    site.closeAllConnections();
    site.close();
  }
}

test('an official archive with the published checksum is taken; nothing is built', async () => {
  const { says, told } = await install(checksumsOf(archive), (response) => response.end(archive));
  expect(says).toBe('downloaded');
  expect(told).toEqual([expect.stringMatching(/^downloading the Temporal server, once: http:.*tar\.gz$/)]);
});

test.each<[string, Answer, Answer, RegExp]>([
  [
    'other bytes than those published',
    (response) => checksumsOf(Buffer.from('others'))(response),
    (response) => response.end(archive),
    /has the SHA-256 [0-9a-f]{64}, published is [0-9a-f]{64}/,
  ],
  ['no checksums', (response) => response.writeHead(404).end(), () => undefined, /answers 404/],
  ['no checksum for this platform', (response) => response.end('x  y\n'), () => undefined, /no checksum for/],
  ['silence', () => undefined, () => undefined, /timeout|aborted/],
  [
    'half an archive',
    (response) => checksumsOf(archive)(response),
    (response) => response.writeHead(200).write(archive.subarray(0, 20)),
    /sent nothing for 10 s/,
  ],
])('%s: it is said why, and the server is built', async (_case, checksums, body, reason) => {
  const { says, told } = await install(checksums, body);
  expect(says).toBe('built');
  const why = told.find((line) => line.startsWith('the Temporal server cannot be downloaded'));
  expect(why).toMatch(reason);
  expect(why).toMatch(/so it is built$/);
});
