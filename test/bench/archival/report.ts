import { median, quantile } from '../statistics';
import { judged, table } from '../table';
import type { ArchivalCase, ArchivalFigures } from './main';

/** Milliseconds of a search up to which an agent's turn still feels like a conversation, and passages it is meant for. */
export const archivalTarget = { milliseconds: 1000, passages: 10_000 } as const;

export function archivalTables({ cases, storage }: ArchivalFigures): string {
  const heading = ['Archival search', 'passages', 'p50, ms', 'p90, ms', 'statement, ms', 'workers', 'PostgreSQL, MiB'];
  const rows = cases.map((one) => [
    one.variant,
    String(one.passages),
    whole(median(one.searches)),
    whole(quantile(one.searches, 0.9)),
    whole(one.plan.milliseconds),
    String(one.plan.workers),
    whole(one.memory / 2 ** 20),
  ]);
  const sizes = storage.map(({ passages, bytes }) => [
    String(passages),
    whole(bytes / 2 ** 20),
    (bytes / passages / 1024).toFixed(1),
  ]);
  return [
    table([heading, ...rows]),
    table([['passages', 'MiB on the disk', 'KiB each'], ...sizes]),
    cases.filter(isTarget).map(verdict).join('\n'),
  ].join('\n\n');
}

function isTarget({ variant, passages }: ArchivalCase): boolean {
  return variant === 'the parameter group' && passages === archivalTarget.passages;
}

function verdict({ searches }: ArchivalCase): string {
  const p90 = quantile(searches, 0.9);
  const wanted = `p90 with ${archivalTarget.passages} passages ≤ ${archivalTarget.milliseconds} ms:`;
  return `${whole(p90)} ms, ${judged(p90 <= archivalTarget.milliseconds, wanted)}`;
}

function whole(value: number): string {
  return value.toFixed(0);
}
