import { execFile } from 'node:child_process';
import { join } from 'node:path';

/** Each of them must end by itself. */
const COMMAND_TIMEOUT_MS = 120_000;

/** `npm run orders -- …`, as a program whose answer is checked. */
export function orders(
  { pipeline }: { pipeline: { env: Record<string, string> } },
  ...args: string[]
): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = {
      cwd: join(__dirname, '../..'),
      env: { ...process.env, ...pipeline.env },
      timeout: COMMAND_TIMEOUT_MS,
    };
    execFile(
      process.execPath,
      ['--import', 'tsx', 'cli/main.ts', ...args],
      options,
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` }),
    );
  });
}
