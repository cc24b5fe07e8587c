/** The parts of the world whose operations fail. */
export type System = 'postgres' | 'kafka' | 'lake' | 'other';

const noted = new WeakMap<object, System>();

/** Notes where an error came from; who notes it first was nearest. */
export function noteSystem(error: unknown, system: System): void {
  if (typeof error === 'object' && error !== null && !noted.has(error)) noted.set(error, system);
}

/** Where an error came from, that of its innermost cause: publishing, say, also fails where rows cannot be read. */
export function systemOf(error: unknown): System {
  let found: System = 'other';
  const seen = new Set<unknown>();
  for (let at = error; typeof at === 'object' && at !== null && !seen.has(at);) {
    seen.add(at);
    found = noted.get(at) ?? found;
    at = 'cause' in at ? at.cause : undefined;
  }
  return found;
}
