import { LastingFailure } from '../../model/errors';

export const SERVERS = ['PostgreSQL', 'Kafka', 'lake', 'Temporal'] as const;
export type Server = (typeof SERVERS)[number];

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
  /** The failure of an attempt: lasting ones end a workflow that is started, others would be retried. */
  lasting?: boolean;
}

/** Collects what is found of one server. */
export class Findings {
  readonly all: Finding[] = [];

  constructor(private readonly server: Server) {}

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
  outage(about: string, found: string, toDo: string): void {
    this.all.push({ server: this.server, about, grade: 'broken', found, toDo });
  }

  /** Runs a look that may fail; the failures of our adapters say themselves what to do, `otherwise` is for outages. */
  async look<T>(about: string, otherwise: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      const lasting = error instanceof LastingFailure;
      const found = lasting ? `${error.type}: ${error.message}` : (error as Error).message;
      const toDo = lasting ? 'what the message says' : otherwise;
      this.all.push({ server: this.server, about, grade: 'broken', found, toDo, lasting });
      return undefined;
    }
  }
}

/** A setting as servers tell it; `undefined` where it is not told. */
export function number(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : Number(text);
}
