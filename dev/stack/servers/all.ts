import { serverNames, type AnyServerName } from '../types';
import type { ServerDefinition } from './definition';
import { kafka } from './kafka';
import { postgres } from './postgres';
import { prometheus } from './prometheus';
import { s3 } from './s3';
import { temporal } from './temporal';

const definitions: Record<AnyServerName, ServerDefinition> = { postgres, kafka, temporal, prometheus, s3 };

/** The chosen servers, or all that a pipeline needs. */
export function selectServers(names: readonly AnyServerName[] = serverNames): ServerDefinition[] {
  return names.map((name) => definitions[name]);
}
