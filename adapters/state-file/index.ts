/** The replaced pipeline's state file, on this machine's disk. */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { NonRetryableError } from '../../domain/errors';
import { formatWatermark, parseWatermark } from '../../domain/watermark';
import type { WatermarkFile } from '../../ports';
import { absentWhere } from '../shared/error-code';
import { mayWrite } from '../shared/writable';

export function createWatermarkFile(directory: string): WatermarkFile {
  const path = join(directory, 'last_processed_timestamp.txt');
  return {
    async read() {
      const text = await absentWhere(['ENOENT'], readFile(path, 'utf8'));
      if (text === undefined) return undefined;
      try {
        return parseWatermark(text);
      } catch (error) {
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
      const file = await open(temporary, 'w');
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
