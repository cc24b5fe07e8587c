import { isSecret, secretInClear } from './secrets';
import { readVariable, REFERENCE, VariableProblem } from './variables';

export interface Filled {
  value: unknown;
  /** What is wrong with variables, and secrets that stand in the settings themselves. */
  problems: string[];
  /** Values that came out of files: secrets, wherever they ended up. */
  hidden: Set<string>;
}

/** The settings as they are written, with variables filled in where `${NAME}` and `${NAME:-default}` stand. */
export function fill(raw: unknown, env: NodeJS.ProcessEnv): Filled {
  const problems: string[] = [];
  const hidden = new Set<string>();
  const walk = (value: unknown, path: string): unknown => {
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}.${index}`));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, walk(item, path === '' ? key : `${path}.${key}`)]),
      );
    const inClear = secretInClear(path, value);
    if (inClear !== undefined) problems.push(inClear);
    else if (typeof value === 'string') return interpolate(value, path);
    return value;
  };
  const interpolate = (text: string, path: string): string => {
    let secret = false;
    const filled = text.replace(REFERENCE, (_whole, name: string, fallback?: string) => {
      try {
        const found = readVariable(name, env);
        secret ||= found?.file !== undefined;
        if (found !== undefined) return found.value;
        if (fallback === undefined)
          problems.push(
            `\${${name}} is not set in the environment; set it, or ${name}_FILE to a file that holds it` +
              (isSecret(path) ? '' : `, or write \${${name}:-default}`),
          );
      } catch (error) {
        if (!(error instanceof VariableProblem)) throw error;
        problems.push(error.message);
      }
      return fallback ?? '';
    });
    if (secret) hidden.add(filled);
    return filled;
  };
  return { value: walk(raw, ''), problems, hidden };
}
