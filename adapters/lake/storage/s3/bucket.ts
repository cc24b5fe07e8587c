/** Requests to one bucket, as the SDK makes them: bounded in time, tried again a few times, failures told in our words. */
import type * as S3 from '@aws-sdk/client-s3';
import type {
  GetObjectCommandOutput,
  ListObjectsV2CommandOutput,
  PutObjectCommandInput,
  S3Client,
} from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAbsent, isConflict, isTaken, s3Error } from './errors';
import type { S3Options } from './options';

type Sdk = typeof S3;
type Body = AsyncIterable<Uint8Array> & { destroy(error?: Error): void };

/** A store in the same region answers within 0.1 s; beyond this a connection is made anew. */
const CONNECT_TIMEOUT_MS = 5_000;
/** The longest waits; a test has shorter ones. */
const TIMEOUTS = {
  /** For the answer's first bytes; sending the body has its own time on top. */
  answerMs: 15_000,
  /** For the next piece of an answer's body. */
  stallMs: 10_000,
};
/** A line slower than this does not carry a lake. */
const SLOWEST_BYTES_PER_MS = 500;
/** Of one request, with pauses between them. What lasts longer is for the activity's own retries, which people see. */
const ATTEMPTS = 4;
/** Pauses grow to 1.6 s: a conditional write that is under way takes milliseconds. */
const CONFLICTS = 6;

export class Bucket {
  #connected: Promise<{ sdk: Sdk; client: S3Client }> | undefined;

  constructor(
    readonly name: string,
    private readonly options: S3Options,
    private readonly timeouts = TIMEOUTS,
  ) {}

  async #get(key: string): Promise<{ bytes: number; body: Body } | undefined> {
    const found = await this.#absent('get', key, ({ sdk, client }) =>
      client.send(new sdk.GetObjectCommand({ Bucket: this.name, Key: key })),
    );
    const { ContentLength, Body } = found ?? ({} as Partial<GetObjectCommandOutput>);
    return found && { bytes: ContentLength ?? 0, body: Body as unknown as Body };
  }

  /** The object through `use`, from its beginning again where the line breaks on the way; `undefined` where there is none. */
  async read<T>(
    key: string,
    use: (pieces: AsyncIterable<Uint8Array>, bytes: number) => Promise<T>,
  ): Promise<T | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const found = await this.#get(key);
      if (found === undefined) return undefined;
      let broken: unknown;
      const pieces = this.#pieces(found, (error) => (broken = error));
      try {
        return await use(pieces, found.bytes);
      } catch (error) {
        // An error of `use` is its own.
        if (broken === undefined) throw error;
        if (attempt >= ATTEMPTS) throw s3Error(`get ${this.#url(key)}`, broken);
      } finally {
        found.body.destroy();
      }
      await pause(attempt);
    }
  }

  /** The pieces of an answer's body; what breaks, stalls or ends too early on the way is told to `broken`, too. */
  async *#pieces(
    { body, bytes }: { body: Body; bytes: number },
    broken: (error: unknown) => void,
  ): AsyncIterable<Uint8Array> {
    const { stallMs } = this.timeouts;
    const stall = () => body.destroy(new Error(`sent nothing for ${stallMs / 1_000} s`));
    const pieces = body[Symbol.asyncIterator]();
    for (let read = 0; ;) {
      const timer = setTimeout(stall, stallMs);
      try {
        const next = await pieces.next();
        if (next.done === true && read !== bytes) throw new Error(`ended after ${read} of ${bytes} bytes`);
        if (next.done === true) return;
        read += next.value.length;
        clearTimeout(timer);
        yield next.value;
      } catch (error) {
        broken(error);
        throw error;
      } finally {
        clearTimeout(timer);
      }
    }
  }

  async head(key: string): Promise<{ bytes: number } | undefined> {
    const found = await this.#absent('head', key, ({ sdk, client }) =>
      client.send(new sdk.HeadObjectCommand({ Bucket: this.name, Key: key })),
    );
    return found && { bytes: found.ContentLength ?? 0 };
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    await this.#put(key, bytes, {}).catch((error: unknown) => {
      throw s3Error(`put ${this.#url(key)}`, error);
    });
  }

  /**
   * `false` where the name is taken by other bytes. The client's own second attempt finds what the first one wrote when only
   * its answer was lost, so equal bytes are ours.
   */
  async putIfAbsent(key: string, bytes: Uint8Array): Promise<boolean> {
    for (let conflicts = 1; ; conflicts += 1) {
      try {
        await this.#put(key, bytes, { IfNoneMatch: '*' });
        return true;
      } catch (error) {
        if (isTaken(error)) return this.isEqual(key, bytes);
        if (!isConflict(error) || conflicts >= CONFLICTS) throw s3Error(`put ${this.#url(key)}`, error);
      }
      await pause(conflicts);
    }
  }

  async isEqual(key: string, bytes: Uint8Array): Promise<boolean> {
    const equal = await this.read(key, async (pieces, length) => {
      if (length !== bytes.length) return false;
      return (await collect(pieces)).equals(bytes);
    });
    return equal === true;
  }

  /** Success where there is none. */
  async remove(key: string): Promise<void> {
    await this.#absent('remove', key, ({ sdk, client }) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: this.name, Key: key })),
    );
  }

  /** All names directly below a prefix, in pages of 1,000; those that go on below end with `/`. */
  async list(prefix: string): Promise<string[]> {
    const names: string[] = [];
    let token: string | undefined;
    do {
      const page = await this.#page(prefix, token);
      for (const { Key } of page.Contents ?? []) names.push(Key ?? '');
      for (const { Prefix } of page.CommonPrefixes ?? []) names.push(Prefix ?? '');
      token = page.NextContinuationToken;
    } while (token !== undefined);
    return names;
  }

  /** Whether there is anything below a prefix. */
  async hasAny(prefix: string): Promise<boolean> {
    const { Contents = [], CommonPrefixes = [] } = await this.#page(prefix, undefined, 1);
    return Contents.length + CommonPrefixes.length > 0;
  }

  #page(prefix: string, token: string | undefined, most?: number): Promise<ListObjectsV2CommandOutput> {
    return this.#told('list', prefix, ({ sdk, client }) =>
      client.send(
        new sdk.ListObjectsV2Command({
          Bucket: this.name,
          Prefix: prefix,
          Delimiter: '/',
          ContinuationToken: token,
          MaxKeys: most,
        }),
      ),
    );
  }

  async #put(key: string, bytes: Uint8Array, condition: Partial<PutObjectCommandInput>): Promise<void> {
    const { sse } = this.options;
    const { sdk, client } = await this.#connect();
    const command = new sdk.PutObjectCommand({
      Bucket: this.name,
      Key: key,
      Body: bytes,
      ServerSideEncryption: sse?.algorithm,
      SSEKMSKeyId: sse?.kms_key_id,
      ...condition,
    });
    await client.send(command, {
      requestTimeout: this.timeouts.answerMs + bytes.length / SLOWEST_BYTES_PER_MS,
    });
  }

  async #absent<T>(
    verb: string,
    key: string,
    request: (connected: { sdk: Sdk; client: S3Client }) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#told(verb, key, async (connected) => {
      try {
        return await request(connected);
      } catch (error) {
        if (isAbsent(error)) return undefined;
        throw error;
      }
    });
  }

  async #told<T>(
    verb: string,
    key: string,
    request: (connected: { sdk: Sdk; client: S3Client }) => Promise<T>,
  ): Promise<T> {
    try {
      return await request(await this.#connect());
    } catch (error) {
      throw s3Error(`${verb} ${this.#url(key)}`, error);
    }
  }

  #url(key: string): string {
    return `s3://${this.name}/${key}`;
  }

  /** A lake in a directory never loads the SDK, which takes 0.2 s and 25 MB. */
  #connect(): Promise<{ sdk: Sdk; client: S3Client }> {
    this.#connected ??= import('@aws-sdk/client-s3').then((sdk) => {
      const { endpoint, region, force_path_style: forcePathStyle = false, checksums } = this.options;
      const when = checksums === 'when_required' ? 'WHEN_REQUIRED' : 'WHEN_SUPPORTED';
      const client = new sdk.S3Client({
        ...(endpoint === undefined ? {} : { endpoint }),
        ...(region === undefined ? {} : { region }),
        forcePathStyle,
        maxAttempts: ATTEMPTS,
        requestChecksumCalculation: when,
        responseChecksumValidation: when,
        requestHandler: {
          connectionTimeout: CONNECT_TIMEOUT_MS,
          requestTimeout: this.timeouts.answerMs,
          throwOnRequestTimeout: true,
        },
      });
      return { sdk, client };
    });
    return this.#connected;
  }
}

export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return Buffer.concat(all);
}

/** At most 50, 100, 200 … ms, at random: those who were refused together do not come together again. */
async function pause(attempt: number): Promise<void> {
  await sleep(Math.random() * 50 * 2 ** (attempt - 1));
}
