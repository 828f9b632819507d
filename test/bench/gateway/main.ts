import { writeFileSync } from 'node:fs';
import { enterLab } from '../../lab/enter';
import type { GatewayFigures, GatewayTask } from './figures';
import { measureFront, measureModelCalls } from './latency';
import { idleMegabytes, measureMemory } from './memory';
import { soak, soakOptions } from './soak';
import { GatewayStand } from './stand';

/** Inside the lab: `main.ts TASK FILE` measures what the task, as JSON, names, and writes the figures to the file. */
async function main(): Promise<void> {
  const task = JSON.parse(process.argv[2]) as GatewayTask;
  const { vpc } = await enterLab();
  const progress = (what: string) => console.error(`the bench ${what}`);
  const stand = await GatewayStand.start(vpc, progress);
  try {
    const figures: GatewayFigures = {};
    if (task.rounds) {
      figures.idle = await idleMegabytes(stand);
      figures.front = await measureFront(stand, task.rounds, progress);
      figures.modelCalls = await measureModelCalls(stand, task.rounds, progress);
      figures.memory = await measureMemory(stand, progress);
      figures.frontAfterAbuse = await measureFront(stand, 1, progress);
    }
    if (task.soakSeconds) {
      progress(`keeps ${soakOptions.streams} streams going for ${task.soakSeconds} s`);
      figures.soak = await soak(stand, { ...soakOptions, seconds: task.soakSeconds });
    }
    writeFileSync(process.argv[3], JSON.stringify(figures));
  } finally {
    await stand.stop();
  }
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.stack);
    process.exit(1);
  },
);
