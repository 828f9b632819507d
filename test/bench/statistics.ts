/** The value below which a share of all values lies, by linear interpolation between the two nearest. */
export function quantile(values: number[], share: number): number {
  if (values.length === 0) throw new Error('no value to take a quantile of');
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
  return low + (high - low) * (place - Math.floor(place));
}

export function median(values: number[]): number {
  return quantile(values, 0.5);
}

/** Something that took from `start` to `end`, in milliseconds of one clock. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/**
 * How many spans a second ran within a window. One that crosses the window's edge counts by the share of it that lies
 * inside: else slow turns, few in a window, would be counted by luck.
 */
export function perSecond(spans: Span[], window: Span): number {
  const shares = spans.map(({ start, end }) => {
    const inside = Math.min(end, window.end) - Math.max(start, window.start);
    return inside <= 0 ? 0 : inside / (end - start);
  });
  return shares.reduce((sum, share) => sum + share, 0) / ((window.end - window.start) / 1000);
}

/** Rise a second of a straight line through values taken at these seconds, by least squares. */
export function slope(points: { readonly second: number; readonly value: number }[]): number {
  if (points.length < 2) throw new Error(`no line through ${points.length} points, wanted at least two`);
  const mean = (of: (point: (typeof points)[number]) => number) =>
    points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const [second, value] = [mean((point) => point.second), mean((point) => point.value)];
  const together = points.reduce((sum, point) => sum + (point.second - second) * (point.value - value), 0);
  const spread = points.reduce((sum, point) => sum + (point.second - second) ** 2, 0);
  return together / spread;
}
