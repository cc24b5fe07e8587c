/** Limits for what others write: state, history and messages hold it, and each has an end at Temporal (2 MB a payload). */

/** Longest reason, problem or name that is kept of a request: some lines on a screen. */
export const LONGEST_TEXT = 500;

/** Longest message of an error: room for a list of partitions and the commands after it, far below Temporal's limits. */
export const LONGEST_ERROR = 8_000;

/** Text as it can be kept everywhere: no half characters, which no UTF-8 has, and none that are invisible on a terminal. */
function printable(text: string): string {
  return text.replace(/\p{Surrogate}|(?![\t\n\r])\p{Cc}/gu, '\ufffd');
}

/** The beginning of a text, at most `length` characters; an ellipsis says that there was more. */
export function cut(text: string, length: number = LONGEST_TEXT): string {
  return printable(text.length <= length ? text : `${text.slice(0, length - 1)}…`);
}

/** Beginning and end of a message, because what to do stands at the end. */
export function cutMiddle(text: string, length: number = LONGEST_ERROR): string {
  if (text.length <= length) return printable(text);
  const left = Math.floor(length / 2);
  const omitted = text.length - 2 * left;
  return printable(`${text.slice(0, left)} … (${omitted} characters left out) … ${text.slice(-left)}`);
}

/** A value for a message, however deep or large it is. */
export function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(cut(value, 60));
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    return `an object with ${
      keys.length === 0
        ? 'no fields'
        : keys
            .slice(0, 5)
            .map((key) => cut(key, 60))
            .join(', ')
    }${keys.length > 5 ? ', …' : ''}`;
  }
  return String(value);
}
