import { Metric } from '../contract';
import { Metrics, MetricValues } from './metrics';

/** Tokens of one model call, as Bedrock counted them. */
export interface TokenUsage {
  /** Tokens read anew: neither from nor into the prompt cache. */
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadInputTokens: number;
  readonly cacheWriteInputTokens: number;
}

/** What is said of one call that went to Bedrock. */
export interface ModelCallRecord {
  /** As the caller named it; an allowed one, so that the metrics' dimension stays bounded. */
  readonly model: string;
  /** Bedrock's operation, e.g. `invoke`. */
  readonly operation: string;
  /** HTTP status that the caller got. */
  readonly status: number;
  /** Bedrock's. */
  readonly requestId?: string;
  /** Letta's id of the agent whose call it is. */
  readonly agent?: string;
  readonly usage?: TokenUsage;
  /** The caller got the whole answer. */
  readonly complete: boolean;
  readonly milliseconds: number;
  /** Why it failed; unset for a call that succeeded. */
  readonly failure?: string;
}

/** One line `model-call` with everything about a call, and the metrics of its model in it. */
export function recordModelCall(metrics: Metrics, call: ModelCallRecord): void {
  const { usage, milliseconds, ...fields } = call;
  const failed = call.failure !== undefined || call.status >= 400;
  const values: MetricValues = {
    [Metric.MODEL_CALLS]: 1,
    [Metric.MODEL_CALLS_FAILED]: failed ? 1 : 0,
    [Metric.MODEL_CALLS_THROTTLED]: call.status === 429 ? 1 : 0,
    [Metric.MODEL_LATENCY]: Math.round(milliseconds),
    ...(usage && {
      [Metric.INPUT_TOKENS]: usage.inputTokens,
      [Metric.OUTPUT_TOKENS]: usage.outputTokens,
      [Metric.CACHE_READ_INPUT_TOKENS]: usage.cacheReadInputTokens,
      [Metric.CACHE_WRITE_INPUT_TOKENS]: usage.cacheWriteInputTokens,
    }),
  };
  metrics.record('model-call', values, fields);
}

/** Every line of the block but the first begins `- `; Letta's own `compile_memory_metadata_block` writes it so. */
const METADATA = /<memory_metadata>\n- AGENT_ID: (agent-[0-9a-f-]{36})\n(?:- [^\n]*\n)+<\/memory_metadata>\s*$/;
/** The block is some 300 characters long. */
const METADATA_CHARACTERS = 4096;

/**
 * The agent that a call is made for: Letta ends an agent's system prompt with `<memory_metadata>` (0.16.8,
 * `letta/prompts/prompt_generator.py`). Memory text above it can imitate it, so only the one at the very end counts.
 */
export function agentOf(system: string): string | undefined {
  return METADATA.exec(system.slice(-METADATA_CHARACTERS))?.[1];
}
