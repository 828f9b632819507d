/**
 * Memory of RDS instance classes, as "Hardware specifications for DB instance classes" of the RDS User Guide listed it in 2026-11:
 * one figure per virtual CPU within a family, but for the burstable ones.
 */
const GIB_PER_VCPU: Record<string, number> = {
  ...families(4, 'm5 m5d m6g m6gd m6i m6id m6in m6idn m7g m7i m8g m8gd'),
  ...families(8, 'z1d r5 r5b r5d r6g r6gd r6i r6id r6in r6idn r7g r7i r8g r8gd'),
  ...families(16, 'x2g x2idn'),
  ...families(32, 'x2iedn x2iezn'),
};
const BURSTABLE = new Set(['t3', 't4g']);
const BURSTABLE_GIB: Record<string, number> = { micro: 1, small: 2, medium: 4, large: 8, xlarge: 16, '2xlarge': 32 };

/** Memory in bytes of an instance class such as `m7g.large`; undefined when the class isn't known. */
export function instanceMemory(instanceType: string): number | undefined {
  const [family, size] = instanceType.split('.');
  const gib = BURSTABLE.has(family) ? BURSTABLE_GIB[size] : GIB_PER_VCPU[family] * virtualCpus(size);
  return gib > 0 ? gib * 1024 ** 3 : undefined;
}

/** Memory that RDS reckons for each connection. */
export const CONNECTION_BYTES = 9531392;

/** `max_connections` as RDS for PostgreSQL sets it by default: `LEAST({DBInstanceClassMemory/9531392}, 5000)`. */
export function defaultMaxConnections(memory: number): number {
  return Math.min(Math.floor(memory / CONNECTION_BYTES), 5000);
}

function virtualCpus(size: string): number {
  if (size === 'large') return 2;
  const multiple = /^(\d*)xlarge$/.exec(size);
  return multiple ? 4 * Number(multiple[1] || 1) : NaN;
}

function families(gibPerVirtualCpu: number, names: string): Record<string, number> {
  return Object.fromEntries(names.split(' ').map((name) => [name, gibPerVirtualCpu]));
}
