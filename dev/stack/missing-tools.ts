import { StackError } from './types';

/** A program this machine lacks. */
export interface MissingTool {
  name: string;
  /** What it is needed for. */
  neededFor: string;
  /** How to get it. */
  install: string;
}

/** One error for all that is missing: whoever installs things wants the whole list. */
export function missingToolsError(tools: MissingTool[]): StackError {
  const lines = tools.map((tool) => `  - ${tool.name} (${tool.neededFor}): ${tool.install}`);
  return new StackError(
    [
      'The stack cannot be started natively, because this machine lacks:',
      ...lines,
      'Install that, or use Docker instead: `docker compose up -d` starts the same servers, and the comments in ' +
        'docker-compose.yml tell which addresses to export. Servers you run elsewhere are used when PGHOST, ' +
        'KAFKA_BROKERS and TEMPORAL_ADDRESS are set.',
    ].join('\n'),
  );
}
