import { GatewayVariable } from '../../runtime/contract';
import { Resource } from '../synthesized';
import { UsageError } from '../usage-error';
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
    .flatMap(({ Properties }) => list(Properties?.ContainerDefinitions))
    .flatMap(({ Environment }) => list(Environment))
    .filter(({ Name, Value }) => Name === GatewayVariable.CHAT_MODELS && typeof Value === 'string');
  const ids = variables.flatMap(({ Value }) => idsOf(Value as string));
  return [...new Set(ids)];
}

function list(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'object' && each !== null) : [];
}

/** @throws UsageError for what the library would not have written */
function idsOf(variable: string): string[] {
  try {
    return list(JSON.parse(variable)).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  } catch {
    throw new UsageError(
      `${GatewayVariable.CHAT_MODELS} of the template is not JSON: synthesize it anew, or give --model`,
    );
  }
}
