import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { type ChatModel, type EmbeddingModel, GatewayVariable } from '../../runtime/contract';
import { enterLab } from '../lab/enter';
import { Lab } from '../lab/lab';
import { lettaVenv } from '../lab/parts/letta-venv';
import type { TaskDefinition } from '../lab/task';
import { alternate, type Block } from './compare';
import { StockServer } from './stock-server';
import type { Server } from './workload';

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
  let stock: StockServer | undefined;
  try {
    await lab.deploy();
    progress('starts Letta as the public documentation configures it');
    stock = await StockServer.start({
      postgres: lab.services.postgres,
      letta: await lettaVenv({ trim: false }),
      namespace: vpc.name,
      chatModels: gatewayList<ChatModel>(lab, GatewayVariable.CHAT_MODELS),
      folder: path.join(lab.folder, 'stock'),
    });
    const figures: TurnFigures = await alternate({ stack: stackOf(lab), docs: stock.server }, Number(rounds), progress);
    writeFileSync(file, JSON.stringify(figures));
  } finally {
    await stock?.stop();
    await lab.stop();
  }
}

function stackOf(lab: Lab): Server {
  const [chat] = gatewayList<ChatModel>(lab, GatewayVariable.CHAT_MODELS);
  const [embedding] = gatewayList<EmbeddingModel>(lab, GatewayVariable.EMBEDDING_MODELS);
  return { url: lab.url, password: lab.password, model: `bedrock/${chat.id}`, embedding: `ollama/${embedding.id}` };
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
