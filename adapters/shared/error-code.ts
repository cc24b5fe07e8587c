/** The system's error code, such as ENOENT; `undefined` where the error has none. Errors of any realm (jest has two). */
export function codeOf(error: unknown): string | undefined {
  const code: unknown =
    typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

/** What `look` finds; `undefined` where it fails with one of these codes. */
export async function absentWhere<T>(codes: readonly string[], look: Promise<T>): Promise<T | undefined> {
  try {
    return await look;
  } catch (error) {
    if (codes.includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}
