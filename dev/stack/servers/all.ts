import { serverNames, type ServerName } from '../types';
import type { ServerDefinition } from './definition';
import { kafka } from './kafka';
import { postgres } from './postgres';
import { temporal } from './temporal';

const definitions: Record<ServerName, ServerDefinition> = { postgres, kafka, temporal };

/** The chosen servers, or all. */
export function selectServers(names: readonly ServerName[] = serverNames): ServerDefinition[] {
  return names.map((name) => definitions[name]);
}
