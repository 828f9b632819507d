import { Resource } from '../synthesized';
import { PriceTable } from './price-table';

/** What a turn is taken to be. No turn is like another: give the numbers of yours. */
export interface Turn {
  /** Tokens read by one call: instructions, memory, tools, the messages so far. */
  readonly inputTokens: number;
  /** Tokens written by one call. */
  readonly outputTokens: number;
  /** Calls of the model in a turn: one, and one more for each step with a tool. */
  readonly calls: number;
}

export interface ModelCost {
  readonly model: string;
  /** US dollars for a million tokens; not there if they are unknown. */
  readonly inputPerMillion?: number;
  readonly outputPerMillion?: number;
  readonly per1000Turns?: number;
  readonly source?: string;
}

/** Without what the prompt cache saves, without embeddings and without a guardrail. */
export function modelCost(table: PriceTable, model: string, turn: Turn): ModelCost {
  const price = table.model(model);
  if (!price) return { model };
  const perCall = (turn.inputTokens * price.input + turn.outputTokens * price.output) / 1_000_000;
  return {
    model,
    inputPerMillion: price.input,
    outputPerMillion: price.output,
    per1000Turns: perCall * turn.calls * 1000,
    source: price.source,
  };
}

/** Chat models of the stack's service, the default one first: the gateway's variable of this name lists them. */
export function chatModels(resources: Record<string, Resource>): string[] {
  const variables = Object.values(resources)
    .filter(({ Type }) => Type === 'AWS::ECS::TaskDefinition')
    .flatMap(({ Properties }) => (Properties?.ContainerDefinitions ?? []) as { Environment?: unknown }[])
    .flatMap(({ Environment }) => (Environment ?? []) as { Name?: unknown; Value?: unknown }[])
    .filter(({ Name, Value }) => Name === 'GATEWAY_CHAT_MODELS' && typeof Value === 'string');
  const ids = variables.flatMap(({ Value }) => (JSON.parse(Value as string) as { id: string }[]).map(({ id }) => id));
  return [...new Set(ids)];
}
