/** Real servers on a busy machine: long enough never to be the reason for a failure, short enough to end a hang. */
jest.setTimeout(60_000);
