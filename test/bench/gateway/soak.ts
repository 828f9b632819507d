import { median, slope } from '../statistics';
import { residentMegabytes } from '../process-figures';
import type { StreamsFigures } from './programs/open-streams';
import { apiStream } from './requests';
import type { GatewayStand } from './stand';

export interface SoakFigures {
  readonly seconds: number;
  readonly streams: StreamsFigures;
  /** Resident memory of the gateway's process each second, in MiB. */
  readonly resident: { readonly second: number; readonly value: number }[];
  /** MiB a minute in the second half. */
  readonly slope: number;
  /** Median of the last quarter over that of the second one. */
  readonly growth: number;
}

export interface SoakOptions {
  /** Streams at the same time. */
  readonly streams: number;
  readonly seconds: number;
}

/** The issue's own: what a release has to bear. */
export const soakOptions: SoakOptions = { streams: 200, seconds: 180 };

/**
 * Streams of about four seconds, each opened again as soon as it has ended, so that what a stream leaves behind adds up.
 *
 * @throws Error when a stream broke off, or fewer were open than asked for
 */
export async function soak(stand: GatewayStand, { streams, seconds }: SoakOptions): Promise<SoakFigures> {
  const { host, port, programs, processes } = stand;
  const resident: { second: number; value: number }[] = [];
  const timer = setInterval(
    () => resident.push({ second: resident.length + 1, value: residentMegabytes(processes.gateway) }),
    1000,
  );
  const request = apiStream(stand, 40, 100);
  const figures = await programs
    .run('open-streams', { host, port, request, streams, window: seconds * 1000 })
    .finally(() => clearInterval(timer));
  if (figures.failures > 0 || figures.mostAtOnce < streams) {
    const seen = `${figures.failures} broke off, ${figures.mostAtOnce} of ${streams} were open`;
    throw new Error(`the soak's streams did not all pass: ${seen}:\n${stand.evidence()}`);
  }
  const quarter = (number: number) =>
    median(
      resident.slice((resident.length * number) / 4, (resident.length * (number + 1)) / 4).map(({ value }) => value),
    );
  return {
    ...{ seconds, streams: figures, resident },
    slope: 60 * slope(resident.slice(resident.length / 2)),
    growth: quarter(3) / quarter(1),
  };
}
