import { writeFileSync } from 'node:fs';
import { enterLab } from '../../lab/enter';
import { Lab } from '../../lab/lab';
import { waitFor } from '../../lab/wait';
import { call, type Server } from '../workload';
import { watchServerMemory } from './memory';
import { explainSearch, fillArchive, type PassageStorage, type SearchPlan } from './passages';
import { restartWith, variants } from './settings';

/** Searches of one agent with so many passages, under one set of settings. */
export interface ArchivalCase {
  readonly variant: string;
  readonly passages: number;
  /** Milliseconds of each search by the API, from request to answer. */
  readonly searches: number[];
  /** The statement by itself. */
  readonly plan: SearchPlan;
  /** Most that PostgreSQL's processes and its cache had, in bytes. */
  readonly memory: number;
}

export interface ArchivalFigures {
  readonly cases: ArchivalCase[];
  readonly storage: PassageStorage[];
}

const SIZES = [1, 1000, 10_000, 100_000];
const remembered = 'The lighthouse of Genoa is seventy-six metres tall.';
const question = 'How tall is the lighthouse of Genoa?';

/** Inside the lab: `main.ts SEARCHES FILE` writes the figures to the file. */
async function main(): Promise<void> {
  const [searches, file] = process.argv.slice(2);
  const { vpc } = await enterLab();
  const progress = (what: string) => console.error(`the lab ${what}`);
  const lab = await Lab.start({ vpc, stack: { http: true }, progress });
  try {
    await lab.deploy();
    const figures = await measure(lab, Number(searches), progress);
    writeFileSync(file, JSON.stringify(figures));
  } finally {
    await lab.stop();
  }
}

async function measure(lab: Lab, searches: number, progress: (what: string) => void): Promise<ArchivalFigures> {
  const { postgres } = lab.services;
  const server = { url: lab.url, password: lab.password, model: '', embedding: '' };
  const agent = await agentThatRemembers(server);
  const figures: ArchivalFigures = { cases: [], storage: [] };
  for (const size of SIZES) {
    if (size > 1) {
      progress(`gives the agent ${size} passages`);
      figures.storage.push(await fillArchive(postgres, size));
    }
    for (const [variant, settings] of Object.entries(variants)) {
      progress(`searches ${size} passages with ${variant}`);
      await restartWith(lab, settings);
      // The first ones find dead connections and an empty cache.
      await waitFor('the database to be back', () => warm(server, agent), { timeout: 60_000, interval: 200 });
      await search(server, agent);
      const memory = await watchServerMemory(postgres);
      const times: number[] = [];
      for (let number = 0; number < searches; number++) times.push(await search(server, agent));
      const [bytes, plan] = [memory.stop(), await explainSearch(postgres, agent)];
      figures.cases.push({ variant, passages: size, searches: times, plan, memory: bytes });
    }
  }
  return figures;
}

async function agentThatRemembers(server: Server): Promise<string> {
  const agent = await call<{ id: string }>(server, 'POST', '/v1/agents/', { name: 'bench', memory_blocks: [] });
  await call(server, 'POST', `/v1/agents/${agent.id}/archival-memory`, { text: remembered });
  return agent.id;
}

function warm(server: Server, agent: string): Promise<boolean> {
  return search(server, agent).then(
    () => true,
    () => false,
  );
}

/** @throws Error when it didn't find what the agent remembers: what is quick and wrong has no time worth knowing */
async function search(server: Server, agent: string): Promise<number> {
  const start = performance.now();
  const path = `/v1/agents/${agent}/archival-memory/search?query=${encodeURIComponent(question)}`;
  const { results } = await call<{ results: { content: string }[] }>(server, 'GET', path);
  const milliseconds = performance.now() - start;
  if (results[0]?.content !== remembered) {
    throw new Error(`the search found '${results[0]?.content}' first, wanted '${remembered}'`);
  }
  return milliseconds;
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.stack);
    process.exit(1);
  },
);
