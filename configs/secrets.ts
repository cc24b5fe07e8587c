/** Which settings are secrets, and what may stand in a settings file for them. */
import { REFERENCE } from './variables';

/** The variable that messages propose for each. */
const SECRETS: Record<string, string> = {
  'postgres.password': 'PGPASSWORD',
  'kafka.sasl.password': 'KAFKA_PASSWORD',
};
/** A path may stand there; the text of a key may not. */
const KEYS: Record<string, string> = {
  'postgres.ssl.key': 'POSTGRES_SSL_KEY',
  'kafka.ssl.key': 'KAFKA_SSL_KEY',
};
/** Keys of the settings whose values no message shows, wherever they stand. */
export const NEVER_SHOWN = /^(password|key)$/;
const PRIVATE_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

export const isSecret = (path: string) => path in SECRETS;

/**
 * What is wrong with a value as it is written in a settings file: that a secret stands there in clear, be it as the fallback of a
 * variable. Files are copied, mailed and committed; a variable, or the file that it names, is not.
 *
 * @param path of the setting, such as `postgres.password`
 */
export function secretInClear(path: string, written: unknown): string | undefined {
  if (typeof written === 'string' && PRIVATE_KEY.test(written)) {
    const name = KEYS[path] ?? 'SSL_KEY';
    return (
      `${path} holds a private key in clear; write the path of a file that holds it, or write \${${name}} and set ${name}, or ` +
      `${name}_FILE to such a file`
    );
  }
  const name = SECRETS[path];
  if (name === undefined || (typeof written !== 'string' && typeof written !== 'number')) return undefined;
  const [first, ...rest] = [...String(written).matchAll(REFERENCE)];
  const literal = String(written).replaceAll(REFERENCE, '');
  const fallback = [first, ...rest].find((reference) => (reference?.[2] ?? '') !== '');
  if (literal === '' && fallback === undefined) return undefined;
  const variable = (fallback ?? first)?.[1] ?? name;
  const where = fallback === undefined ? 'is in clear' : `is in clear, as the fallback of ${variable}`;
  return (
    `${path} ${where}; write \${${variable}} there and set ${variable}, or ${variable}_FILE to a file that holds it ` +
    `(docs/migrating.md)`
  );
}
