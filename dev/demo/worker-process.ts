import { fork, type ChildProcess } from 'node:child_process';
import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { QUEUES } from '../../domain/names';
import { homeFolder } from '../stack/home';

/** Bundling the workflows and connecting take about 5 s on a small machine. */
const READY_TIMEOUT_MS = 60_000;
/** The workers hand back what they do within 10 s of SIGTERM. */
const STOP_TIMEOUT_MS = 15_000;
/** Of the log, in an error message. */
const LAST_LINES = 12;

/** The workers of both queues as one child process, with a log file of its own. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #gone: Promise<void>;
  #serving = 0;
  #stopping = false;
  readonly logFile = join(homeFolder({}), 'logs', 'demo-worker.log');
  /** Rejects if the workers end without having been told to. */
  readonly died: Promise<never>;

  constructor() {
    mkdirSync(dirname(this.logFile), { recursive: true });
    const log = createWriteStream(this.logFile, { flags: 'a' });
    this.#child = fork(join(__dirname, 'worker.ts'), { detached: true, silent: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface(stream).on('line', (line) => this.#keep(line, log));
    }
    const exit = new Promise<number | string | null>((resolve) =>
      this.#child.once('exit', (code, signal) => resolve(signal ?? code)),
    );
    this.#gone = exit.then(() => undefined);
    this.died = exit.then((how) => {
      if (this.#stopping) return new Promise<never>(() => undefined);
      throw this.explain(`The workers ended by themselves (${String(how)})`);
    });
    // Whoever waits for it hears of it; nobody has to.
    this.died.catch(() => undefined);
  }

  /** Resolves when every queue is served. */
  async ready(): Promise<void> {
    const deadline = Date.now() + READY_TIMEOUT_MS;
    while (this.#serving < QUEUES.length) {
      if (Date.now() > deadline) {
        throw this.explain(`The workers were not ready within ${READY_TIMEOUT_MS / 1000} s`);
      }
      await Promise.race([this.died, new Promise((resolve) => setTimeout(resolve, 100))]);
    }
  }

  /** SIGTERM, so that what is in work ends or is handed back; SIGKILL for what does not end. */
  async stop(patienceMs = STOP_TIMEOUT_MS): Promise<void> {
    this.#stopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
    await Promise.race([this.#gone, late]);
    clearTimeout(timer);
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#killGroup();
  }

  /** An error that shows the log's last lines. */
  explain(message: string): Error {
    const lines = this.#lines.slice(-LAST_LINES).map((line) => `  ${line}`);
    const log = lines.length === 0 ? 'They printed nothing.' : `Their last lines:\n${lines.join('\n')}`;
    return new Error(`${message}. ${log}\nAll of the log: ${relative(process.cwd(), this.logFile)}`);
  }

  #keep(line: string, log: NodeJS.WritableStream): void {
    log.write(`${line}\n`);
    if (/^worker .* serves namespace /.test(line)) this.#serving += 1;
    this.#lines.push(line);
    if (this.#lines.length > 2 * LAST_LINES) this.#lines.splice(0, LAST_LINES);
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Gone between the look and the signal.
    }
  }
}
