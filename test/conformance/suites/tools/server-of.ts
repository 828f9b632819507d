import type { Server } from '../../../bench/workload';
import { type ChatModel, type EmbeddingModel, GatewayVariable } from '../../../../runtime/contract';
import type { TaskDefinition } from '../../../lab/task';
import type { Deployed } from '../../deployed';

/** The deployment as a server with its models. */
export function serverOf(deployed: Deployed): Server {
  const [chat] = list<ChatModel>(deployed, GatewayVariable.CHAT_MODELS);
  const [embedding] = list<EmbeddingModel>(deployed, GatewayVariable.EMBEDDING_MODELS);
  const { url, lab } = deployed;
  return { url, password: lab.password, model: `bedrock/${chat.id}`, embedding: `ollama/${embedding.id}` };
}

/** A JSON list in the gateway's environment, as the template has it. */
export function list<Item>({ lab: { template } }: Deployed, variable: GatewayVariable): Item[] {
  const environments = template
    .ofType('AWS::ECS::TaskDefinition')
    .flatMap(([id]) => template.properties<TaskDefinition>(id).ContainerDefinitions)
    .flatMap((container) => container.Environment ?? []);
  return JSON.parse(environments.find(({ Name }) => Name === variable)?.Value ?? '[]') as Item[];
}
