import {
  ApplicationFailure,
  CancellationScope,
  isCancellation,
  log,
  patched,
  setDefaultSignalHandler,
  setDefaultUpdateHandler,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { cut } from '../../domain/bounded';
import {
  beyondLimits,
  readRequest,
  remember,
  unknownRequest,
  type Answer,
  type Pause,
  type Refusal,
  type Request,
  type RequestName,
  type ResetKind,
} from '../../domain/requests';
import { mergeFilesSignal, replayBatchSignal, requestSignal, requestUpdate } from './messages';

/** A request, and who waits for its answer: nobody, if it came by signal. */
interface Asked {
  request: Request;
  settle: (answer: Answer) => void;
}

/** What operators asked for by signal or update, in the order in which it came. */
export interface Requests {
  /** Those that were not taken yet; the caller carries them out, between two batches, and settles each. */
  take(): Asked[];
  arrived: () => boolean;
  /** {@link arrived}, or history has grown so long that the workflow must continue as new before it can receive more. */
  arrivedOrFull: () => boolean;
  /**
   * Signals and updates that nobody here understands, so far; they end no wait, as they did not in earlier versions, which
   * left them lying. `forgetStrays` when they are in the state.
   */
  strays: () => readonly Refusal[];
  forgetStrays(): void;
  /**
   * Runs work that only waits and reads; `undefined` when a request came first. What is broken off may still run on for
   * a moment in its worker.
   */
  unlessAsked<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** Listens to `pause`, `resume` and what else the workflow can be asked for, from its first moment on. */
export function receiveRequests(reset: ResetKind | 'compact'): Requests {
  let asked: Asked[] = [];
  let strays: Refusal[] = [];
  let waiting: CancellationScope | undefined;
  const receive = (request: Request, settle: Asked['settle'] = () => undefined) => {
    const told = (answer: Answer) => {
      log.info('request of an operator', {
        event: 'request',
        request: request.kind === 'refused' ? request.signal : request.kind,
        ...('done' in answer ? { answer: 'done' } : { answer: 'refused', error: answer.refused }),
      });
      settle(answer);
    };
    asked.push({ request, settle: told });
    waiting?.cancel();
  };
  const known = ['pause', 'resume', reset] as const;
  for (const name of known) {
    setHandler(requestSignal(name), (...args) => receive(signalled(name, args)));
    const answered = (payload: unknown) =>
      new Promise<object>((resolve, reject) =>
        receive(readRequest(name, payload), (answer) =>
          'done' in answer ? resolve(answer.done) : reject(refusal(answer.refused)),
        ),
      );
    // What cannot be understood is refused before it enters history.
    const validator = (...args: unknown[]) => {
      const request = readRequest(name, args[0]);
      const problem = request.kind === 'refused' ? request.problem : beyondLimits(name, args);
      if (problem !== undefined) throw refusal(problem);
    };
    setHandler(requestUpdate(name), answered, { validator });
  }
  if (reset === 'resetOffsets') {
    setHandler(replayBatchSignal, (payload) => receive(readRequest('replayBatch', payload)));
    setHandler(mergeFilesSignal, (payload) => receive(readRequest('mergeFiles', payload)));
  }
  const stray = (name: string) => {
    const { signal, problem } = unknownRequest(name, known);
    strays = remember(strays, { signal, problem, at: now() });
    return problem;
  };
  setDefaultSignalHandler((name) => void stray(name));
  setDefaultUpdateHandler((name) => {
    throw refusal(stray(name));
  });

  return {
    take() {
      const taken = asked;
      asked = [];
      return taken;
    },
    arrived: () => asked.length > 0,
    arrivedOrFull: () => asked.length > 0 || workflowInfo().continueAsNewSuggested,
    strays: () => strays,
    forgetStrays() {
      strays = [];
    },
    async unlessAsked(work) {
      waiting = new CancellationScope();
      try {
        return await waiting.run(work);
      } catch (error) {
        // A cancellation that no request caused is the whole workflow's, and goes on.
        if (asked.length > 0 && isCancellation(error)) return undefined;
        throw error;
      } finally {
        waiting = undefined;
      }
    },
  };
}

/** What is beyond the limits was accepted by earlier versions, in histories that must replay. */
function signalled(name: RequestName, args: readonly unknown[]): Request {
  const request = readRequest(name, args[0]);
  const problem = request.kind === 'refused' ? undefined : beyondLimits(name, args);
  if (problem === undefined || !patched('limits-of-requests')) return request;
  return { kind: 'refused', signal: name, problem };
}

function refusal(problem: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(problem, 'Refused');
}

/** A state after a request, and the answer to it. */
export interface Outcome<S> {
  state: S;
  answer: Answer;
}

type Governed = { paused: Pause | null; refusals: Refusal[] };

/** Carries out what both workflows understand: pause, resume, and noting a refusal. A reset is the caller's own. */
export function governed<S extends Governed>(state: S, request: Request): Outcome<S> {
  switch (request.kind) {
    case 'pause': {
      const paused = { reason: request.reason, since: now() };
      return { state: { ...state, paused }, answer: { done: { paused } } };
    }
    case 'resume':
      return { state: { ...state, paused: null }, answer: { done: { paused: null } } };
    case 'refused':
      return refused(state, request.signal, request.problem);
    default:
      return refused(state, request.kind, 'this workflow does not understand it');
  }
}

/** Notes that a request changed nothing, and why. */
export function refused<S extends Governed>(state: S, signal: string, problem: string): Outcome<S> {
  const refusals = remember(state.refusals, { signal, problem: cut(problem), at: now() });
  return { state: { ...state, refusals }, answer: { refused: problem } };
}

/** The state with what {@link Requests.strays} holds in it. */
export function withStrays<S extends Governed>(state: S, requests: Requests): S {
  const refusals = requests.strays().reduce(remember<Refusal>, state.refusals);
  requests.forgetStrays();
  return { ...state, refusals };
}

/** The workflow's own time, ISO 8601. */
export function now(): string {
  return new Date().toISOString();
}
