import { writeFileSync } from 'node:fs';
import { withBothServers } from './both-servers';
import { alternate, type Block } from './compare';

/** What the two servers showed, block by block. */
export interface TurnFigures {
  readonly stack: Block[];
  readonly docs: Block[];
}

/** Inside the lab: `turns.ts ROUNDS FILE` writes the figures to the file. */
async function main(): Promise<void> {
  const [rounds, file] = process.argv.slice(2);
  const figures = await withBothServers<TurnFigures>({ http: true }, ({ stack, docs }, progress) =>
    alternate({ stack, docs }, Number(rounds), progress),
  );
  writeFileSync(file, JSON.stringify(figures));
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.stack);
    process.exit(1);
  },
);
