// Runs a command with the project's dependencies, installing them first where that is needed, so that in a fresh clone
// `npm run demo` and `npm test` work at once:  node dev/scripts/with-dependencies.mjs <command> [arguments]
//
// It must run before anything is installed: plain Node, nothing but its own modules.
import { Buffer } from 'node:buffer';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** Must be that of "engines" in package.json. */
const oldestNode = [20, 19];

/** Packages of a lock file by their directories, without the project itself. */
function packagesIn(file) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  delete packages[''];
  return packages;
}

/**
 * Does node_modules hold what package-lock.json says? npm keeps a lock file of what it installed there. Their contents
 * are compared, not their ages: those say nothing after a checkout of another branch. Optional packages may be missing:
 * most are for another platform.
 */
function isInstalled() {
  const installedFile = join(project, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return false;
  const installed = packagesIn(installedFile);
  const wanted = Object.entries(packagesIn(join(project, 'package-lock.json')));
  return wanted.every(([directory, { version, optional }]) =>
    directory in installed ? installed[directory].version === version : optional === true,
  );
}

/** `npm ci` in one line; all it printed, if it fails. */
async function install() {
  const title = 'Installing dependencies (npm ci), once';
  const begin = Date.now();
  const seconds = () => `${Math.round((Date.now() - begin) / 1000)} s`;
  const { stderr } = process;
  stderr.write(stderr.isTTY ? `${title} …` : `${title} …\n`);
  const timer = setInterval(() => stderr.isTTY && stderr.write(`\r${title} … ${seconds()}`), 1000);

  // The npm that runs us, if one does: it may not be on the PATH, and on Windows it is no program.
  const npm = process.env.npm_execpath;
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
  const output = [];
  const code = await run(
    command,
    // NODE_ENV=production would leave out what tests and the demo need.
    [...first, 'ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: project, stdio: ['ignore', 'pipe', 'pipe'] },
    (child) => {
      child.stdout.on('data', (chunk) => output.push(chunk));
      child.stderr.on('data', (chunk) => output.push(chunk));
    },
  );
  clearInterval(timer);
  if (code === 0) {
    stderr.write(stderr.isTTY ? `\r${title}: ${seconds()}  \n` : `Dependencies installed in ${seconds()}\n`);
    return;
  }
  stderr.write(`\n${Buffer.concat(output).toString()}\n`);
  throw new Error(
    `npm ci failed (${code}); its output is above. Mend the cause, then run the command again.`,
  );
}

/** The exit code; a signal that ended the child counts as it does in a shell. */
function run(command, args, options, watch = () => {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, options);
    watch(child);
    // Ctrl-C reaches the child from the terminal, or from npm through us; either way it decides when to end.
    const forward = (signal) => child.kill(signal);
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
    for (const signal of signals) process.on(signal, forward);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal] ?? 1);
    });
  });
}

async function main([command, ...args]) {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    throw new Error(`Node ${oldestNode.join('.')} or newer is needed; this is ${process.version}.`);
  }
  if (command === undefined)
    throw new Error('Usage: node dev/scripts/with-dependencies.mjs <command> [arguments]');
  if (!isInstalled()) await install();
  const PATH = [join(project, 'node_modules', '.bin'), process.env.PATH].join(delimiter);
  const program = command === 'node' ? process.execPath : command;
  return run(program, args, { stdio: 'inherit', env: { ...process.env, PATH } });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error) => {
    console.error(error.message);
    process.exit(1);
  },
);
