/** The little of parquetjs-lite that the writers' benchmark calls; the package has no types. */
declare module 'parquetjs-lite' {
  interface Field {
    type: string;
    optional?: boolean;
    compression?: string;
  }

  class ParquetSchema {
    constructor(fields: Record<string, Field>);
  }

  class ParquetWriter {
    static openFile(
      schema: ParquetSchema,
      path: string,
      options?: { rowGroupSize?: number },
    ): Promise<ParquetWriter>;
    appendRow(row: Record<string, unknown>): Promise<void>;
    close(): Promise<void>;
  }
}
