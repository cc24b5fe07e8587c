/** Fails unless `work` does, as expected: `transient` for what is retried, else the type of the non-retryable error. */
export async function expectFailure(
  name: string,
  expected: [type: string, message: RegExp],
  work: Promise<unknown>,
) {
  const [type, message] = expected;
  const failure = (await work.then(
    () => new Error('it works'),
    (error: unknown) => error,
  )) as Error & { type?: string };
  expect([name, failure.type ?? 'transient', failure.message]).toEqual([
    name,
    type,
    expect.stringMatching(message),
  ]);
}
