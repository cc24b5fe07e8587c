import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { LastingFailure } from '../../domain/errors';
import { formatWatermark, parseWatermark, type Watermark } from '../../domain/watermark';

/** The replaced pipeline's state file: a mirror for people and tools, read by us only when a pipeline first starts. */
export interface WatermarkFile {
  /** `undefined` if there is none. LastingFailure InvalidSettings if it cannot be understood: guessing would lose rows. */
  read(): Promise<Watermark | undefined>;
  /** Replaces it atomically: a reader sees the old or the new line, never half of one. */
  write(watermark: Watermark): Promise<void>;
}

export function createWatermarkFile(folder: string): WatermarkFile {
  const path = join(folder, 'last_processed_timestamp.txt');
  return {
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
      try {
        return parseWatermark(text);
      } catch (error) {
        throw new LastingFailure(
          'InvalidSettings',
          `${path}: ${(error as Error).message}. It should hold one line such as ` +
            `2025-11-18 10:00:00.123456|1; correct it, or remove it to begin at cdc.default_start_timestamp.`,
        );
      }
    },
    async write(watermark) {
      await mkdir(folder, { recursive: true });
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
