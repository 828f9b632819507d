import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatModel, ContainerName, type EmbeddingModel, GatewayVariable } from '../../runtime/contract';
import { enterLab } from '../lab/enter';
import { Lab } from '../lab/lab';
import { Address } from '../lab/namespace';
import { lettaVenv } from '../lab/parts/letta-venv';
import type { TaskDefinition } from '../lab/task';
import { alternate, type Block, type MeasuredServer } from './compare';
import { DIRECT_PORT, directDatabase } from './direct-database';
import { StockServer } from './stock-server';

/** What the two servers showed, block by block. */
export interface TurnFigures {
  readonly stack: Block[];
  readonly docs: Block[];
}

/** Inside the lab: `turns.ts ROUNDS FILE` writes the figures to the file. */
async function main(): Promise<void> {
  const [rounds, file] = process.argv.slice(2);
  const { vpc } = await enterLab();
  const progress = (what: string) => console.error(`the lab ${what}`);
  const lab = await Lab.start({ vpc, progress });
  let relay: { stop(): void } | undefined;
  let stock: StockServer | undefined;
  try {
    await lab.deploy();
    progress('leads the database address to Postgres itself and restarts the service');
    lab.services.databaseFront.stop();
    relay = await directDatabase(lab.services.postgres);
    await lab.restartService();
    progress('starts Letta as the public documentation configures it');
    stock = await StockServer.start({
      postgres: lab.services.postgres,
      letta: await lettaVenv({ trim: false }),
      database: `${Address.DATABASE}:${DIRECT_PORT}`,
      namespace: vpc.name,
      chatModels: gatewayList<ChatModel>(lab, GatewayVariable.CHAT_MODELS),
      folder: path.join(lab.folder, 'stock'),
    });
    const figures: TurnFigures = await alternate({ stack: stackOf(lab), docs: stock.server }, Number(rounds), progress);
    writeFileSync(file, JSON.stringify(figures));
  } finally {
    await stock?.stop();
    relay?.stop();
    await lab.stop();
  }
}

function stackOf(lab: Lab): MeasuredServer {
  const [chat] = gatewayList<ChatModel>(lab, GatewayVariable.CHAT_MODELS);
  const [embedding] = gatewayList<EmbeddingModel>(lab, GatewayVariable.EMBEDDING_MODELS);
  const process = (name: string) => lab.service!.container(name).pid!;
  return {
    ...{ url: lab.url, password: lab.password, model: `bedrock/${chat.id}`, embedding: `ollama/${embedding.id}` },
    processes: { letta: process(ContainerName.LETTA), gateway: process(ContainerName.GATEWAY) },
  };
}

/** A JSON list in the gateway's environment, as the template has it. */
function gatewayList<Item>({ template }: Lab, variable: GatewayVariable): Item[] {
  const environments = template
    .ofType('AWS::ECS::TaskDefinition')
    .flatMap(([id]) => template.properties<TaskDefinition>(id).ContainerDefinitions)
    .flatMap((container) => container.Environment ?? []);
  return JSON.parse(environments.find(({ Name }) => Name === variable)?.Value ?? '[]') as Item[];
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.stack);
    process.exit(1);
  },
);
