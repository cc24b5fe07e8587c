/**
 * Where a lake keeps its files. Names are relative to the storage, their parts joined by `/`; what they are on a disk or in a
 * bucket is the storage's own. Errors of the system (disk full, no permission, a store that is away) have a `code`: they may pass.
 */
export interface Storage extends StorageWriter {
  /** For people: a directory's path, or a URL. */
  readonly location: string;
  /** What the lake is known by among machines: `host:/path`, or a URL. */
  readonly address: string;
  /** Whether a file can be given another name in one step, as {@link StorageWriter.move} does. */
  readonly renames: boolean;
  /** What a person or another program opens by it: a path, or a URL. */
  locate(name: string): string;
  /** The name of what {@link locate} has told. */
  nameOf(located: string): string;
  /** A file's bytes; `undefined` where there is none. */
  get(name: string): Promise<Buffer | undefined>;
  /** What there is under a name; `undefined` for nothing. A directory or a pipe is no file. */
  head(name: string): Promise<{ bytes: number; isFile: boolean } | undefined>;
  /** Size and hex SHA-256 of a file, read in pieces; `undefined` where there is none, or something else. */
  fingerprint(name: string): Promise<Fingerprint | undefined>;
  /** The names directly below a prefix, sorted, without it; none where there is nothing. */
  list(prefix: string): Promise<string[]>;
  /**
   * Runs `use` with paths on this machine by which other libraries read these files, in the names' order: valid until it is done.
   * Only for files that never change under their name: a storage elsewhere keeps copies.
   */
  withPaths<T>(names: readonly string[], use: (paths: string[]) => Promise<T>): Promise<T>;
  /**
   * Gives a file a second name, under which its bytes stay whatever becomes of the first; success where that name is taken.
   * `false` where there is no such file. Throws without `renames`.
   */
  link(from: string, to: string): Promise<boolean>;
}

export interface Fingerprint {
  bytes: number;
  sha256: string;
}

/** Each is there whole or not at all, also after a power cut, once its promise has resolved; each may be repeated. */
export interface StorageWriter {
  /**
   * Puts a file in the place of what is there; nothing is written where the bytes are the same.
   * `beforeReplacing` is called when others stand there, and may throw to keep them.
   */
  put(name: string, bytes: Uint8Array, options?: { beforeReplacing?: () => Promise<void> }): Promise<void>;
  /** Puts a copy of a file of this machine in the place of what is there. */
  putFile(name: string, path: string): Promise<void>;
  /**
   * Puts a file only where the name is free: one of several that try wins. `false`, with nothing changed, where it is taken; by the
   * same bytes it may be either, since the answer to an own attempt may have been lost.
   */
  putIfAbsent(name: string, bytes: Uint8Array): Promise<boolean>;
  /** Gives a file another name, in the place of what has that; `false` where there is no such file. Throws without `renames`. */
  move(from: string, to: string): Promise<boolean>;
  /** Success where there is none. */
  remove(name: string): Promise<void>;
}

/** Who opens a lake: the workflow run, and when Temporal scheduled this attempt, in milliseconds since 1970. */
export interface Owner {
  runId: string;
  scheduledAt: number;
  /** First run of its workflow; continuing as new and a reset keep it. Absent in versions before 0.4.0. */
  firstRunId?: string;
}

/** Of what holds the lake. */
export interface Room {
  /** Those that this user may still write. */
  freeBytes: number;
  sizeBytes: number;
  /** Whether lake and quarantine are of one kind, so that what holds of one holds of the other. */
  alike: boolean;
}

/** The two storages of a lake. */
export type LakePart = 'lake' | 'quarantine';

/** One attempt at the files of a ledger entry. */
export interface Attempt {
  /** Writes as the owner of the attempt's epoch; an Error that may be retried once the attempt was shut out. */
  writer(part: LakePart): StorageWriter;
  /** What it has left half written goes; nothing more can be written by it. Success where it was shut out. */
  end(): Promise<void>;
}

/** A lake's storage and that of its quarantine, and who may write there. */
export interface LakeStorage {
  lake: Storage;
  quarantine: Storage;
  /** The lake whose quarantine this one would be, if its name is of that kind. */
  outer: Storage | undefined;

  /** Makes the places and does there once what landing will do. NonRetryableError LakeNotWritable where that fails for good. */
  probe(): Promise<void>;

  /**
   * Takes the next epoch, greater than `above`, and shuts out all older ones: none of their writers can show or remove anything
   * from then on. NonRetryableError LandingConflict for an owner that was scheduled before the present one, and with `onlyOwn` where
   * another workflow opened the lake last.
   */
  takeEpoch(owner: Owner, options: { above: number; onlyOwn: boolean }): Promise<number>;

  /** Writes as the owner of an epoch. NonRetryableError LandingConflict once a newer one was taken. */
  writer(part: LakePart, epoch: number): StorageWriter;

  /** What can be done in the lake or its quarantine, for a person; tried where it is there. Throws why nothing can. */
  tryOut(part: LakePart): Promise<string>;

  /** `undefined` where there is no end to it. */
  room(): Promise<Room | undefined>;

  /**
   * Begins an attempt at the files of ledger entry `sequence`. Look for the entry after this, and write by the attempt's writers only
   * where it is not there: then none of its files can appear once {@link closeAttempts} has run. Without {@link Storage.renames}
   * readers see only what an entry lists, and late files do no harm: no attempt is shut out.
   */
  beginAttempt(epoch: number, sequence: number): Promise<Attempt>;

  /**
   * Shuts out all attempts at the entries up to this one, which is there by now, and takes away what they have half written. Attempts
   * that begin later are shut out by finding the entry.
   */
  closeAttempts(epoch: number, sequence: number): Promise<void>;
}
