import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cached } from '../../dev/stack/cache';

/** What other people's readers need, pinned. */
const REQUIREMENTS = join(__dirname, 'readers.txt');

/**
 * Python packages that read Iceberg tables, from the registry once (about 400 MB unpacked, 70 s on two busy cores), in the cache of
 * the stack's parts.
 */
async function packages(): Promise<string> {
  const version = execFileSync('python3', [
    '-c',
    'import sys; print(sys.implementation.cache_tag)',
  ]).toString();
  const recipe = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 8);
  return cached({
    name: `readers-${version.trim()}-${recipe}`,
    onProgress: (line) => process.stderr.write(`${line}\n`),
    make: async (directory) => {
      process.stderr.write('fetching readers of Iceberg tables, once\n');
      const args = ['--quiet', '--disable-pip-version-check', '--only-binary', ':all:'];
      await run('python3', ['-m', 'pip', 'install', ...args, '--target', directory, '-r', REQUIREMENTS]);
    },
  });
}

/** The last line that a Python program prints, as JSON; `input` is there as `given`. */
export async function python(program: string, given: unknown): Promise<unknown> {
  const code = `import json, sys\ngiven = json.loads(sys.argv[1])\n${program}`;
  const { stdout } = await run('python3', ['-W', 'ignore', '-c', code, JSON.stringify(given)], {
    env: { ...process.env, PYTHONPATH: await packages() },
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}

/** The file of an extension of DuckDB: packages hold those of one version for one machine. */
export async function duckdbExtension(name: string, version: string): Promise<string> {
  return join(
    await packages(),
    `duckdb_extension_${name}`,
    'extensions',
    version,
    `${name}.duckdb_extension`,
  );
}

const run = promisify(execFile);
