import path from 'node:path';
import type { LettaBedrockStackProps } from '../../lib';
import { type ChatModel, ContainerName, type EmbeddingModel, GatewayVariable } from '../../runtime/contract';
import { enterLab } from '../lab/enter';
import { Lab } from '../lab/lab';
import { Address } from '../lab/namespace';
import { lettaVenv } from '../lab/parts/letta-venv';
import type { TaskDefinition } from '../lab/task';
import type { MeasuredServer } from './compare';
import { DIRECT_PORT, directDatabase } from './direct-database';
import { StockServer } from './stock-server';

/** This stack's service, and Letta as its public documentation configures it, up at the same time. */
export interface BothServers {
  readonly lab: Lab;
  readonly stack: MeasuredServer;
  readonly docs: MeasuredServer;
}

/**
 * Deploys a stack in the lab, starts a stock server beside it, has them measured and stops both.
 *
 * Both reach Postgres through a relay that copies bytes: see `directDatabase`.
 */
export async function withBothServers<Figures>(
  stack: LettaBedrockStackProps,
  measure: (servers: BothServers, progress: (what: string) => void) => Promise<Figures>,
): Promise<Figures> {
  const { vpc } = await enterLab();
  const progress = (what: string) => console.error(`the lab ${what}`);
  const lab = await Lab.start({ vpc, stack, progress });
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
    return await measure({ lab, stack: stackOf(lab), docs: stock.server }, progress);
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
