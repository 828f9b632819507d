import { median } from '../statistics';
import { judged, table } from '../table';
import type { GatewayFigures } from './figures';
import { CROWD, type FrontRound, type ModelRound, type WayRound } from './latency';
import { OPEN_STREAMS } from './memory';
import type { Way } from './requests';
import type { SoakFigures } from './soak';

/** What the gateway may cost. Milliseconds added to a direct call, shares of a bare undici proxy, MiB. */
export const gatewayTarget = {
  addedP50: 0.5,
  throughputRatio: 0.6,
  p99Ratio: 1,
  modelCall: 1,
  modelFirstByte: 1.5,
  idle: 90,
  openStreams: 180,
  /** Of resident memory, from the second quarter of the soak to the last. */
  soakGrowth: 1.1,
} as const;

type Number = (round: WayRound) => number;

/** The figures that are judged: medians over rounds of what each round showed by itself. */
export function summarizeFront(rounds: FrontRound[]) {
  const over = (of: (round: FrontRound) => number) => median(rounds.map(of));
  const each = (way: Way, of: Number) => over((round) => of(round[way]));
  const ways = (of: Number) => ({ direct: each('direct', of), bare: each('bare', of), gateway: each('gateway', of) });
  const added = (way: Way, of: Number) => over((round) => of(round[way]) - of(round.direct));
  return {
    p50: ways(({ alone }) => alone.p50),
    p99: ways(({ alone }) => alone.p99),
    perSecond: ways(({ crowd }) => crowd.perSecond),
    microseconds: ways(({ crowd }) => crowd.watchedMicroseconds ?? NaN),
    microsecondsAlone: ways(({ alone }) => alone.watchedMicroseconds ?? NaN),
    addedP50: { bare: added('bare', ({ alone }) => alone.p50), gateway: added('gateway', ({ alone }) => alone.p50) },
    p99Ratio: over(({ bare, gateway }) => gateway.alone.p99 / bare.alone.p99),
    throughputRatio: over(({ bare, gateway }) => gateway.crowd.perSecond / bare.crowd.perSecond),
    loadUse: each('gateway', ({ crowd }) => crowd.processorUse),
  };
}

export function summarizeModelCalls(rounds: ModelRound[]) {
  const over = (of: (round: ModelRound) => number) => median(rounds.map(of));
  return {
    plain: { direct: over(({ direct }) => direct.plain.p50), gateway: over(({ gateway }) => gateway.plain.p50) },
    firstByte: {
      direct: over(({ direct }) => direct.stream.firstByteP50),
      gateway: over(({ gateway }) => gateway.stream.firstByteP50),
    },
    addedPlain: over(({ direct, gateway }) => gateway.plain.p50 - direct.plain.p50),
    addedFirstByte: over(({ direct, gateway }) => gateway.stream.firstByteP50 - direct.stream.firstByteP50),
    microseconds: over(({ gateway }) => gateway.plain.watchedMicroseconds ?? NaN),
    microsecondsStream: over(({ gateway }) => gateway.stream.watchedMicroseconds ?? NaN),
  };
}

export function gatewayTables(figures: GatewayFigures): string {
  return [
    ...(figures.front ? [frontTable(figures.front)] : []),
    ...(figures.modelCalls ? [modelTable(figures.modelCalls)] : []),
    ...(figures.memory ? [memoryTable(figures)] : []),
    ...(figures.soak ? [soakTable(figures.soak)] : []),
  ].join('\n\n');
}

function frontTable(rounds: FrontRound[]): string {
  const { p50, p99, perSecond, microseconds, microsecondsAlone, addedP50, p99Ratio, throughputRatio, loadUse } =
    summarizeFront(rounds);
  const milliseconds = (ways: Record<Way, number>) =>
    [ways.direct, ways.bare, ways.gateway].map((one) => one.toFixed(3));
  const whole = (ways: Record<Way, number>) =>
    [ways.direct, ways.bare, ways.gateway].map((one) => (isNaN(one) ? '' : one.toFixed(0)));
  const target = gatewayTarget;
  return [
    table([
      ['API front (password, verdict, log line)', 'direct', 'bare undici proxy', 'gateway', 'target'],
      ['p50, one connection, ms', ...milliseconds(p50), ''],
      [
        'added to direct, ms',
        ...['', addedP50.bare.toFixed(3), addedP50.gateway.toFixed(3)],
        judged(addedP50.gateway <= target.addedP50, `≤ ${target.addedP50}`),
      ],
      [
        'p99, one connection, ms',
        ...milliseconds(p99),
        judged(p99Ratio <= target.p99Ratio, `${p99Ratio.toFixed(2)} × bare, ≤ ${target.p99Ratio}`),
      ],
      [
        `requests/s, ${CROWD} connections`,
        ...whole(perSecond),
        judged(
          throughputRatio >= target.throughputRatio,
          `${throughputRatio.toFixed(2)} × bare, ≥ ${target.throughputRatio}`,
        ),
      ],
      [`processor time a request, ${CROWD} connections, µs`, ...whole(microseconds), ''],
      ['processor time a request, one connection, µs', ...whole(microsecondsAlone), ''],
    ]),
    `${rounds.length} rounds, alternating, medians; the load took ${(100 * loadUse).toFixed(0)} % of its core while the gateway was full`,
  ].join('\n');
}

function modelTable(rounds: ModelRound[]): string {
  const { plain, firstByte, addedPlain, addedFirstByte, microseconds, microsecondsStream } =
    summarizeModelCalls(rounds);
  const target = gatewayTarget;
  return [
    table([
      ['Model call (rules, signature, metering)', 'direct', 'gateway', 'added', 'target'],
      [
        'plain p50, ms',
        ...[plain.direct, plain.gateway, addedPlain].map((one) => one.toFixed(3)),
        judged(addedPlain <= target.modelCall, `≤ ${target.modelCall}`),
      ],
      [
        'first byte of a stream p50, ms',
        ...[firstByte.direct, firstByte.gateway, addedFirstByte].map((one) => one.toFixed(3)),
        judged(addedFirstByte <= target.modelFirstByte, `≤ ${target.modelFirstByte}`),
      ],
      [
        'processor time, plain / whole stream, µs',
        '',
        `${microseconds.toFixed(0)} / ${microsecondsStream.toFixed(0)}`,
        '',
        '',
      ],
    ]),
    `${rounds.length} rounds, alternating, medians; both over TLS, 16 kB a call, one connection`,
  ].join('\n');
}

function memoryTable({ idle = NaN, memory, front, frontAfterAbuse }: GatewayFigures): string {
  const { open, streams, afterStreams, abused, abuse, afterAbuse } = memory!;
  const target = gatewayTarget;
  return [
    table([
      ["Gateway's resident memory", 'MiB', 'target'],
      ['idle', idle.toFixed(0), judged(idle <= target.idle, `≤ ${target.idle}`)],
      [`${OPEN_STREAMS} open streams`, open.toFixed(0), judged(open <= target.openStreams, `≤ ${target.openStreams}`)],
      ['15 s after them', afterStreams.toFixed(0), ''],
      ['under abuse', abused.toFixed(0), ''],
      ['15 s after it', afterAbuse.toFixed(0), ''],
    ]),
    `${streams.events} events passed, ${streams.delayP50} ms from sender to reader (p99 ${streams.delayP99}); abuse: ${abuse.connections} connections, ${abuse.megabytes.toFixed(0)} MiB sent`,
    ...(front && frontAfterAbuse ? [afterAbuseLine(front, frontAfterAbuse)] : []),
  ].join('\n');
}

function afterAbuseLine(before: FrontRound[], after: FrontRound[]): string {
  const [first, then] = [summarizeFront(before), summarizeFront(after)];
  const ratio = (one: typeof first) => `${one.throughputRatio.toFixed(2)} × the bare proxy's requests/s`;
  return `the API front before and after all this: ${ratio(first)} and ${ratio(then)}`;
}

function soakTable({ seconds, streams, resident, slope, growth }: SoakFigures): string {
  const values = resident.map(({ value }) => value);
  const at = (share: number) => values[Math.floor((values.length - 1) * share)].toFixed(0);
  return [
    table([
      [`Soak: ${streams.mostAtOnce} streams, ${seconds} s`, 'figure', 'target'],
      ['resident memory at start, 25, 50, 75, 100 %, MiB', [0, 0.25, 0.5, 0.75, 1].map(at).join(' '), ''],
      ['most, MiB', Math.max(...values).toFixed(0), ''],
      [
        'last quarter over second one',
        `${growth.toFixed(3)} ×`,
        judged(growth <= gatewayTarget.soakGrowth, `≤ ${gatewayTarget.soakGrowth} ×`),
      ],
      ['slope in the second half, MiB a minute', slope.toFixed(2), ''],
      ['whole streams / broken off', `${streams.whole} / ${streams.failures}`, ''],
      ['an event from sender to reader p50 / p99, ms', `${streams.delayP50} / ${streams.delayP99}`, ''],
    ]),
  ].join('\n');
}
