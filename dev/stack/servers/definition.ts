import type { Home } from '../home';
import type { MissingTool } from '../missing-tools';
import type { ServerCommand } from '../system/spawn-server';
import type { AnyServerName } from '../types';

/** What the stack knows of one kind of server. */
export interface ServerDefinition {
  name: AnyServerName;
  /** What it needs ports for; the first is the one that clients use. */
  ports: readonly [string, ...string[]];
  /** Programs that a start would need and this machine lacks. */
  missingTools(): MissingTool[] | Promise<MissingTool[]>;
  /** Makes all that the server needs (programs, data directory, settings) and tells how to start it. */
  prepare(context: ServerContext): Promise<ServerCommand>;
  /** Makes a real request; throws while the server cannot serve it. */
  request(context: ServerContext): Promise<void>;
  /** What is to be done in a server that answers; harmless when repeated. */
  whenRunning?(context: ServerContext): Promise<void>;
  /** Asks for an orderly stop. */
  stopSignal: NodeJS.Signals;
  /** After this the server is killed. */
  stopTimeoutMs: number;
  /** A remedy for a known way to die, seen in the log's last lines. */
  remedy?(log: string): string | undefined;
}

export interface ServerContext {
  home: Home;
  onProgress: (line: string) => void;
}
