import { describeFailure, NonRetryableError } from '../../domain/errors';

export type Server = 'PostgreSQL' | 'Kafka' | 'lake' | 'Temporal';

/** `broken`: the pipeline does not work, or loses what it promises. `warning`: it works, but see what to do. */
export type Grade = 'fine' | 'warning' | 'broken';

/** One line of the doctor. */
export interface Finding {
  server: Server;
  /** What was looked at. */
  about: string;
  grade: Grade;
  found: string;
  /** Absent only where all is fine. */
  toDo?: string;
  /** The failure of an attempt: non-retryable ones end a workflow that is started, others would be retried. */
  lasting?: boolean;
}

/** Whoever asks the doctor will not wait for a server that says nothing; each look ends then, and is a finding. */
export const LOOK_MS = 10_000;

/** Collects what is found of one server. */
export class Findings {
  readonly all: Finding[] = [];

  /** @param timeoutMs shorter in tests */
  constructor(
    private readonly server: Server,
    private readonly timeoutMs = LOOK_MS,
  ) {}

  fine(about: string, found: string): void {
    this.all.push({ server: this.server, about, grade: 'fine', found });
  }

  warning(about: string, found: string, toDo: string): void {
    this.all.push({ server: this.server, about, grade: 'warning', found, toDo });
  }

  broken(about: string, found: string, toDo: string): void {
    this.all.push({ server: this.server, about, grade: 'broken', found, toDo, lasting: true });
  }

  /** Broken, but what is started now waits for its end. */
  transient(about: string, found: string, toDo: string): void {
    this.all.push({ server: this.server, about, grade: 'broken', found, toDo });
  }

  /** Runs a look that may fail, or hang: it ends after some seconds. The failures of our adapters say themselves what to do, `otherwise` is for transient errors. */
  async look<T>(about: string, otherwise: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await within(this.timeoutMs, work());
    } catch (error) {
      const nonRetryable = error instanceof NonRetryableError;
      const found = describeFailure(error as Error);
      const toDo = nonRetryable ? 'what the message says' : otherwise;
      this.all.push({ server: this.server, about, grade: 'broken', found, toDo, lasting: nonRetryable });
      return undefined;
    }
  }
}

/** A setting as servers tell it; `undefined` where it is not told. */
export function number(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}

/** What `work` gives, or an error once the time is over; it goes on unheard then. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${milliseconds / 1_000} s`)), milliseconds);
  });
  work.catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
