import os from 'node:os';

/** Where and when figures were taken: they mean nothing without it. */
export interface Machine {
  readonly date: string;
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
}

export function machine(): Machine {
  const cores = os.cpus();
  return {
    date: new Date().toISOString().slice(0, 10),
    processor: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    node: process.version,
  };
}

/** Processor time of the whole machine so far, in ticks of all cores. */
export interface ProcessorTime {
  readonly busy: number;
  readonly total: number;
}

export function processorTime(): ProcessorTime {
  const times = os.cpus().map((core) => core.times);
  const idle = times.reduce((sum, time) => sum + time.idle, 0);
  const total = times.reduce((sum, time) => sum + time.idle + time.user + time.nice + time.sys + time.irq, 0);
  return { busy: total - idle, total };
}
