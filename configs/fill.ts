import { cut } from '../domain/bounded';
import { isSecret, secretInClear } from './secrets';
import { readVariable, REFERENCE, VariableProblem } from './variables';

export interface Filled {
  value: unknown;
  /** What is wrong with variables, and secrets that stand in the settings themselves. */
  problems: string[];
  /** Values that came out of files: secrets, wherever they ended up. */
  hidden: Set<string>;
}

/** Settings have four levels; an alias that names what it stands in has no end. */
const DEEPEST = 20;

/** The settings as they are written, with variables filled in where `${NAME}` and `${NAME:-default}` stand. */
export function fill(raw: unknown, env: NodeJS.ProcessEnv): Filled {
  const problems: string[] = [];
  const hidden = new Set<string>();
  const walk = (value: unknown, path: string, depth = 0): unknown => {
    if (depth > DEEPEST) {
      problems.push(`${cut(path, 100)} has more than ${DEEPEST} levels`);
      return null;
    }
    if (Array.isArray(value)) return value.map((item, index) => walk(item, `${path}.${index}`, depth + 1));
    if (typeof value === 'object' && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [
          key,
          walk(item, path === '' ? key : `${path}.${key}`, depth + 1),
        ]),
      );
    const inClear = secretInClear(path, value);
    if (inClear !== undefined) problems.push(inClear);
    else if (typeof value === 'string') return interpolate(value, path);
    return value;
  };
  const interpolate = (text: string, path: string): string => {
    let secret = false;
    // Beyond the last brace nothing ends, and the pattern would look for an end from each beginning.
    const end = text.lastIndexOf('}') + 1;
    const filled = text.slice(0, end).replace(REFERENCE, (_whole, name: string, fallback?: string) => {
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
    const whole = filled + text.slice(end);
    if (secret) hidden.add(whole);
    return whole;
  };
  return { value: walk(raw, ''), problems, hidden };
}
