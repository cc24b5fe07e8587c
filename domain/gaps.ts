import { compareWatermarks, LOWEST_ORDER_ID, type Watermark } from './watermark';

/** Places that capture was told to pass over: what lies after `after` and not after `upTo` was never captured. */
export interface Gap {
  after: Watermark;
  upTo: Watermark;
  because: 'start' | 'reset';
  /** For a person: what told where to begin, or when the reset came. */
  detail: string;
}

/** Before every row that has a place: created_at has no earlier year in the topic, the lake, or SQL's dates. */
export const LOWEST_PLACE: Watermark = { createdAt: '0001-01-01T00:00:00.000000Z', orderId: LOWEST_ORDER_ID };

/** As many as a record in Kafka has room for. Beyond them the oldest two are told as one, with what lies between. */
export const MOST_GAPS = 8;

/** The gap that a start at a place leaves. */
export function gapsBefore(start: Watermark, detail: string): Gap[] {
  return withGap([], { after: LOWEST_PLACE, upTo: start, because: 'start', detail });
}

/** The gaps after capture was moved from one place to another: what lies behind the new place is captured, or captured again. */
export function movedGaps(
  gaps: readonly Gap[],
  move: { from: Watermark; to: Watermark } & Pick<Gap, 'because' | 'detail'>,
): Gap[] {
  const { from, to, because, detail } = move;
  const left = gaps
    .filter(({ after }) => compareWatermarks(after, to) < 0)
    .map((gap) => (compareWatermarks(gap.upTo, to) > 0 ? { ...gap, upTo: to } : gap));
  return withGap(left, { after: from, upTo: to, because, detail });
}

function withGap(gaps: readonly Gap[], gap: Gap): Gap[] {
  if (compareWatermarks(gap.after, gap.upTo) >= 0) return [...gaps];
  const all = [...gaps, gap];
  const [first, second, ...others] = all;
  if (all.length <= MOST_GAPS || first === undefined || second === undefined) return all;
  const detail = `${first.detail}, with what was captured up to ${second.detail}`.slice(0, 200);
  return [{ ...first, upTo: second.upTo, detail }, ...others];
}
