import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { withLock } from './system/lock';
import { StackError, allServerNames, type AnyServerName, type StackOptions } from './types';

const serverState = z.object({
  /** Ports, by what they are for. */
  ports: z.record(z.string(), z.int()).default({}),
  process: z.object({ pid: z.int(), startedAt: z.string() }).optional(),
  dataDirectory: z.string().optional(),
  /** Password of PostgreSQL; identity of a Kafka cluster of several nodes. */
  secret: z.string().optional(),
  /** Program that was started, where others may want to call it. */
  executable: z.string().optional(),
  /** Whether every `up` starts it; of servers that a pipeline does not need. */
  wanted: z.boolean().optional(),
  /** What the caller of `up` added to the server's settings. */
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
});
export type ServerState = z.infer<typeof serverState>;

const state = z.object({
  postgres: serverState,
  kafka: serverState,
  temporal: serverState,
  // Not known of a stack of an earlier version.
  prometheus: serverState.default({ ports: {}, settings: {} }),
  s3: serverState.default({ ports: {}, settings: {} }),
});
type State = z.infer<typeof state>;

/** The directory of one stack: data, logs, and what must be remembered between two commands. */
export class Home {
  private readonly state: State;

  private constructor(
    readonly directory: string,
    /** False if no stack was ever started here. */
    readonly exists: boolean,
    loaded: unknown,
  ) {
    this.state = state.parse(loaded ?? Object.fromEntries(allServerNames.map((name) => [name, {}])));
  }

  static open(options: StackOptions): Home {
    const directory = homeDirectory(options);
    const file = stateFile(directory);
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return new Home(directory, false, undefined);
    }
    try {
      return new Home(directory, true, JSON.parse(text));
    } catch {
      throw new StackError(
        `${file} cannot be read as the stack's state. Stop the servers it names, if any run, then delete ${directory}.`,
      );
    }
  }

  get(server: AnyServerName): ServerState {
    return this.state[server];
  }

  /** Changes what is remembered of one server, on disk at once: a process we forget is one nobody stops. */
  update(server: AnyServerName, change: Partial<ServerState>): ServerState {
    Object.assign(this.state[server], change);
    mkdirSync(this.directory, { recursive: true });
    const file = stateFile(this.directory);
    // Synchronous, and so safe while the three servers are being started side by side; 0600 for the password.
    writeFileSync(`${file}.tmp`, `${JSON.stringify(this.state, null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
    return this.state[server];
  }

  logFile(name: string): string {
    return join(this.directory, 'logs', `${name}.log`);
  }
}

/** Default: in the checkout, so that two clones have two stacks. */
export function homeDirectory(options: StackOptions): string {
  return resolve(options.home ?? join(__dirname, '../../.stack'));
}

/** Runs a command that changes a stack while no other one does. */
export function withHome<T>(options: StackOptions, work: (home: Home) => Promise<T>): Promise<T> {
  const directory = homeDirectory(options);
  const onWait = (pid: number): void =>
    options.onProgress?.(`waiting for process ${pid}, which is working on the same stack`);
  return withLock(join(directory, 'lock'), { onWait }, () => work(Home.open(options)));
}

function stateFile(directory: string): string {
  return join(directory, 'state.json');
}
