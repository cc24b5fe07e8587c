import type { Watermark } from '../domain/watermark';

/** The replaced pipeline's state file: a mirror for people and tools, read by us only when a pipeline first starts. */
export interface WatermarkFile {
  /** `undefined` if there is none. NonRetryableError InvalidSettings if it cannot be understood: guessing would lose rows. */
  read(): Promise<Watermark | undefined>;
  /** Replaces it atomically: a reader sees the old or the new line, never half of one. */
  write(watermark: Watermark): Promise<void>;
}
