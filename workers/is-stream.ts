/** Whether an operation answers with a stream, such as the rows of a window, and not with a promise. */
export function isStream(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
