import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { withLock } from './system/lock';
import { StackError, serverNames, type ServerName, type StackOptions } from './types';

const serverState = z.object({
  /** Ports, by what they are for. */
  ports: z.record(z.string(), z.int()).default({}),
  process: z.object({ pid: z.int(), startedAt: z.string() }).optional(),
  dataFolder: z.string().optional(),
  /** Password of PostgreSQL; identity of a Kafka cluster of several nodes. */
  secret: z.string().optional(),
  /** Program that was started, where others may want to call it. */
  executable: z.string().optional(),
  /** What the caller of `up` added to the server's settings. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});
export type ServerState = z.infer<typeof serverState>;

const state = z.object({ postgres: serverState, kafka: serverState, temporal: serverState });
type State = z.infer<typeof state>;

/** The folder of one stack: data, logs, and what must be remembered between two commands. */
export class Home {
  private readonly state: State;

  private constructor(
    readonly folder: string,
    /** False if no stack was ever started here. */
    readonly exists: boolean,
    loaded: unknown,
  ) {
    this.state = state.parse(loaded ?? Object.fromEntries(serverNames.map((name) => [name, {}])));
  }

  static open(options: StackOptions): Home {
    const folder = homeFolder(options);
    const file = stateFile(folder);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new Home(folder, false, undefined);
    }
    try {
      return new Home(folder, true, JSON.parse(text));
    } catch {
      throw new StackError(
        `${file} cannot be read as the stack's state. Stop the servers it names, if any run, then delete ${folder}.`,
      );
    }
  }

  get(server: ServerName): ServerState {
    return this.state[server];
  }

  /** Changes what is remembered of one server, on disk at once: a process we forget is one nobody stops. */
  update(server: ServerName, change: Partial<ServerState>): ServerState {
    Object.assign(this.state[server], change);
    mkdirSync(this.folder, { recursive: true });
    const file = stateFile(this.folder);
    // Synchronous, and so safe while the three servers are being started side by side; 0600 for the password.
    writeFileSync(`${file}.tmp`, `${JSON.stringify(this.state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
    return this.state[server];
  }

  logFile(name: string): string {
    return join(this.folder, 'logs', `${name}.log`);
  }
}

/** Default: in the checkout, so that two clones have two stacks. */
export function homeFolder(options: StackOptions): string {
  return resolve(options.home ?? join(__dirname, '../../.stack'));
}

/** Runs a command that changes a stack while no other one does. */
export function withHome<T>(options: StackOptions, work: (home: Home) => Promise<T>): Promise<T> {
  const folder = homeFolder(options);
  const onWait = (pid: number): void =>
    options.onProgress?.(`waiting for process ${pid}, which is working on the same stack`);
  return withLock(join(folder, 'lock'), { onWait }, () => work(Home.open(options)));
}

function stateFile(folder: string): string {
  return join(folder, 'state.json');
}
