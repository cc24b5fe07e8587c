/** The replaced pipeline's state file, on this machine's disk. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NonRetryableError } from '../../domain/errors';
import { formatWatermark, parseWatermark } from '../../domain/watermark';
import type { WatermarkFile } from '../../ports';
import { absentWhere } from '../shared/error-code';
import { OddFile, readSmallFile } from '../shared/small-file';
import { mayWrite } from '../shared/writable';

/** One line. */
const LARGEST = 4_096;

export function createWatermarkFile(directory: string): WatermarkFile {
  const path = join(directory, 'last_processed_timestamp.txt');
  return {
    async read() {
      try {
        const bytes = await absentWhere(['ENOENT'], readSmallFile(path, LARGEST));
        return bytes === undefined ? undefined : parseWatermark(bytes.toString());
      } catch (error) {
        if (!(error instanceof RangeError || error instanceof OddFile)) throw error;
        throw new NonRetryableError(
          'InvalidSettings',
          `${path}: ${(error as Error).message}. It should hold one line such as ` +
            `2025-11-18 10:00:00.123456|1; correct it, or remove it to begin at cdc.default_start_timestamp.`,
        );
      }
    },
    async write(watermark) {
      await mkdir(directory, { recursive: true });
      // One per process: two attempts at once must not write into one file.
      const temporary = `${path}.${process.pid}.tmp`;
      // Made anew: in its place could be a link to a file of somebody else.
      await rm(temporary, { force: true });
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(`${formatWatermark(watermark)}\n`);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    },
  };
}

/** Whether the workers' user may write there, as a sentence; throws why not. */
export async function tryStateDirectory(directory: string): Promise<string> {
  return `${resolve(directory)}: ${await mayWrite(directory)}`;
}
