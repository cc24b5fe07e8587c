/** npm, our own wrapper and the terminal each pass one Ctrl-C on, within milliseconds. */
const SAME_PRESS_MS = 500;

/** Ctrl-C: while orders flow the first ends that in good order; any other, like SIGTERM, leaves at once. */
export class Interrupt {
  #graceful: (() => void) | undefined;
  #last = 0;
  /** Nothing more is to be shown. */
  leaving = false;

  constructor(private readonly onLeave: (exitCode: number) => void) {
    process.on('SIGINT', () => this.#press());
    process.on('SIGTERM', () => this.#leave(143));
    process.on('SIGHUP', () => this.#leave(129));
  }

  /** Resolves at the first Ctrl-C from now on. */
  whenAsked(): Promise<void> {
    return new Promise((resolve) => (this.#graceful = resolve));
  }

  /** From now on the next Ctrl-C leaves, whether or not there was one before. */
  nowLeave(): void {
    this.#graceful = undefined;
  }

  #press(): void {
    const now = Date.now();
    if (now - this.#last < SAME_PRESS_MS) return;
    this.#last = now;
    const graceful = this.#graceful;
    this.#graceful = undefined;
    if (graceful === undefined) this.#leave(130);
    else graceful();
  }

  #leave(exitCode: number): void {
    if (this.leaving) return;
    this.leaving = true;
    this.onLeave(exitCode);
  }
}
