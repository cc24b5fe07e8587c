/** Variables whose value may stand in a file instead, which `NAME_FILE` names: `/run/secrets/…` of Docker and Kubernetes. */
import { readFileSync } from 'node:fs';
import { NonRetryableError } from '../domain/errors';

/** `${NAME}` and `${NAME:-default}`. */
export const REFERENCE = /\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}/g;

/** Why a variable has no value that can be used. It names the variable and the file, and never what is in them. */
export class VariableProblem extends Error {}

/**
 * The value of a variable, or the text of the file that `NAME_FILE` names, without its final newline. Like a shell's `:-`, an
 * empty variable counts as unset; `undefined` is neither.
 *
 * @throws VariableProblem where both are set, or the file cannot be read, is empty or is not text.
 */
export function readVariable(
  name: string,
  env: NodeJS.ProcessEnv,
): { value: string; file?: string } | undefined {
  // Its own: every object has a `constructor`.
  const given = (variable: string) => (Object.hasOwn(env, variable) && env[variable]) || undefined;
  const [value, file] = [given(name), given(`${name}_FILE`)];
  if (file === undefined) return value === undefined ? undefined : { value };
  if (value !== undefined) throw new VariableProblem(`${name} and ${name}_FILE are both set; unset one`);
  return { value: textOf(file, `${name}_FILE names ${shownPath(file)}, which`), file };
}

/**
 * The environment for a library that reads its own variables: those whose name matches are set from their files.
 *
 * @throws NonRetryableError InvalidSettings, as {@link readVariable} says.
 */
export function withFiles(names: RegExp, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const all = { ...env };
  try {
    for (const variable of Object.keys(env)) {
      const name = variable.replace(/_FILE$/, '');
      if (name === variable || !names.test(name)) continue;
      delete all[variable];
      const found = readVariable(name, env);
      if (found !== undefined) all[name] = found.value;
    }
  } catch (error) {
    if (!(error instanceof VariableProblem)) throw error;
    throw new NonRetryableError('InvalidSettings', `The environment: ${error.message}`);
  }
  return all;
}

/** @param which begins the sentence that says what is wrong. */
function textOf(file: string, which: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new VariableProblem(`${which} ${REASONS[code] ?? `cannot be read (${code})`}`);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r?\n$/, '');
  } catch {
    throw new VariableProblem(`${which} is not text in UTF-8`);
  }
  if (text === '') throw new VariableProblem(`${which} is empty`);
  return text;
}

const REASONS: Record<string, string> = {
  ENOENT: 'is not there',
  EISDIR: 'is a directory, not a file',
  EACCES: 'this account may not read',
};

/** The secret itself, set by mistake where its file is meant, is not a path that is worth showing. */
const shownPath = (file: string) => (/^\.{0,2}\/[^\n]{0,200}$/.test(file) ? file : 'a file');
