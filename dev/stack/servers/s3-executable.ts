import { join } from 'node:path';
import { cached } from '../cache';
import { runStep } from '../system/run-step';
import { versions } from '../versions';

/** main.go, and with go.mod and go.sum exactly what is built, down to the checksum of each module. */
const recipeDirectory = join(__dirname, '../s3');

/** The S3 server, built once into the cache. */
export async function installS3(logFile: string, onProgress: (line: string) => void): Promise<string> {
  const directory = await cached({
    name: `versitygw-${versions.versitygw}-${process.platform}-${process.arch}`,
    onProgress,
    async make(target) {
      const title = 'building the S3 server, once';
      onProgress(`${title}: takes some minutes`);
      await runStep({
        title,
        command: 'go',
        args: ['build', '-mod=readonly', '-trimpath', '-ldflags=-s -w', '-o', join(target, 's3'), '.'],
        cwd: recipeDirectory,
        env: { CGO_ENABLED: '0', GOWORK: 'off' },
        logFile,
        onProgress,
      });
    },
  });
  return join(directory, 's3');
}
