import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

jest.setTimeout(30_000);

const directory = mkdtempSync(join(tmpdir(), 'stack-cli-test-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface Outcome {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the command in an environment that holds nothing but what is given. */
function stack(args: string[], env: Record<string, string> = {}): Outcome {
  const command = ['--import', 'tsx', 'dev/stack/cli.ts', ...args];
  const cwd = join(__dirname, '..', '..');
  return spawnSync(process.execPath, command, {
    cwd,
    encoding: 'utf8',
    env: { HOME: directory, PATH: '', ...env },
  });
}

test('on a machine without the tools: one error with all of them and the Docker alternative, nothing started', () => {
  const home = join(directory, 'bare');
  const { status, stderr, stdout } = stack(['up', '--home', home], {
    XDG_CACHE_HOME: join(directory, 'cache'),
    TEMPORAL_DOWNLOAD: 'http://127.0.0.1:9', // nobody answers there
  });
  expect(status).toBe(1);
  expect(stdout).toBe('');
  for (const part of [
    /- java .*JDK or JRE, version 17/,
    /- mvn .*Maven/,
    /- go .*Go 1\.2\d/,
    /docker compose up -d/,
  ]) {
    expect(stderr).toMatch(part);
  }
  expect(stderr).not.toContain('    at '); // no stack trace
  expect(existsSync(join(home, 'postgres'))).toBe(false);
});

test.each([
  [['kill', 'oracle'], /postgres, kafka, temporal/],
  [['kill'], /missing required argument/],
  [['start'], /unknown command 'start'/],
  [['up', '--port', '1'], /unknown option '--port'/],
  [[], /Usage:/],
])('wrong usage %j: says what is right, exit code 2', (args, message) => {
  const { status, stderr, stdout } = stack(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test('help is not an error', () => {
  expect(stack(['--help'])).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Usage:') as unknown,
  });
});

test('env, kill and down before the first up: no harm, and env says what to do', () => {
  const home = ['--home', join(directory, 'never')];
  expect(stack(['env', ...home])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/-- up/) as unknown,
  });
  expect(stack(['kill', 'kafka', ...home]).status).toBe(0);
  expect(stack(['down', ...home]).status).toBe(0);
  expect(existsSync(join(directory, 'never'))).toBe(false);
});

test('env quotes what a shell would not take as it is', () => {
  const { stdout } = stack(['env', '--home', join(directory, 'never')], {
    PGHOST: 'db',
    PGPASSWORD: "it's $HOME",
  });
  expect(stdout).toContain('export PGHOST=db\n');
  expect(stdout).toContain(`export PGPASSWORD='it'\\''s $HOME'\n`);
});
