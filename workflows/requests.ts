import { CancellationScope, isCancellation, setHandler } from '@temporalio/workflow';
import { readRequest, remember, type Pause, type Refusal, type Request } from '../model/requests';
import { pauseSignal, resetOffsetsSignal, resetWatermarkSignal, resumeSignal } from './messages';

/** What operators asked for by signal, in the order in which it came. */
export interface Requests {
  /** Those that were not taken yet; the caller carries them out, between two batches. */
  take(): Request[];
  arrived: () => boolean;
  /**
   * Runs work that only waits and reads; `undefined` when a request came first. What is broken off may still run on for
   * a moment in its worker.
   */
  unlessAsked<T>(work: () => Promise<T>): Promise<T | undefined>;
}

/** Listens to `pause`, `resume` and one kind of reset, from the workflow's first moment on. */
export function receiveRequests(reset: 'resetWatermark' | 'resetOffsets'): Requests {
  let requests: Request[] = [];
  let waiting: CancellationScope | undefined;
  const receive = (signal: Parameters<typeof readRequest>[0]) => (payload: unknown) => {
    requests.push(readRequest(signal, payload));
    waiting?.cancel();
  };
  setHandler(pauseSignal, receive('pause'));
  setHandler(resumeSignal, receive('resume'));
  if (reset === 'resetWatermark') setHandler(resetWatermarkSignal, receive(reset));
  else setHandler(resetOffsetsSignal, receive(reset));

  return {
    take() {
      const taken = requests;
      requests = [];
      return taken;
    },
    arrived: () => requests.length > 0,
    async unlessAsked(work) {
      waiting = new CancellationScope();
      try {
        return await waiting.run(work);
      } catch (error) {
        // A cancellation that no request caused is the whole workflow's, and goes on.
        if (requests.length > 0 && isCancellation(error)) return undefined;
        throw error;
      } finally {
        waiting = undefined;
      }
    },
  };
}

/** Carries out what both workflows understand: pause, resume, and noting a refusal. A reset is the caller's own. */
export function governed<S extends { paused: Pause | null; refusals: Refusal[] }>(
  state: S,
  request: Request,
): S {
  const at = new Date().toISOString();
  switch (request.kind) {
    case 'pause':
      return { ...state, paused: { reason: request.reason, since: at } };
    case 'resume':
      return { ...state, paused: null };
    case 'refused':
      return {
        ...state,
        refusals: remember(state.refusals, { signal: request.signal, problem: request.problem, at }),
      };
    default:
      return state;
  }
}
