import { Metric } from '../../contract';
import { Fields, objectOf } from '../foreign-json';
import { Metrics, MetricValues } from '../metrics';

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
  /** HTTP status that the caller got; 0 if it went away before. */
  readonly status: number;
  /** What AWS's support asks for; of several calls for one answer, the first one's. */
  readonly bedrockRequestId?: string;
  /** Letta's id of the agent whose call it is. */
  readonly agent?: string;
  /** Letta's id of the user whom it acts for, where the call says so. */
  readonly user?: string;
  readonly usage?: TokenUsage;
  /** The caller got the whole answer. */
  readonly complete: boolean;
  readonly milliseconds: number;
  /** Why it failed; unset for a call that succeeded. */
  readonly failure?: string;
}

/** Bedrock throttles a stream that has begun by this event (Bedrock API reference, `ResponseStream`). */
const THROTTLED_STREAM = 'throttlingException';

/** One line `model-call` with everything about a call, and the metrics of its model in it. */
export function recordModelCall(metrics: Metrics, call: ModelCallRecord): void {
  const { usage, milliseconds, ...fields } = call;
  const failed = call.failure !== undefined || call.status >= 400;
  const values: MetricValues = {
    [Metric.MODEL_CALLS]: 1,
    [Metric.MODEL_CALLS_FAILED]: failed ? 1 : 0,
    [Metric.MODEL_CALLS_THROTTLED]: call.status === 429 || call.failure === THROTTLED_STREAM ? 1 : 0,
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

/** Letta 0.16.8, `letta/prompts/prompt_generator.py`, `compile_memory_metadata_block`. */
const METADATA_START = '<memory_metadata>\n- AGENT_ID: ';
const METADATA_END = '\n</memory_metadata>';
/** Letta 0.16.8, `letta/schemas/memory.py`, `compile_available_skills`: the one thing it puts after the metadata. */
const SKILLS_START = '\n\n<available_skills>\n';
const SKILLS_END = '</available_skills>';
const AGENT_ID = /^agent-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\n/;

/**
 * The agent that a call is made for: Letta ends an agent's system prompt with `<memory_metadata>`. What an agent or
 * its caller writes into the prompt can imitate it, so with two of them none counts: an agent can hide, but it cannot put
 * its calls on another's account.
 */
export function agentOf(system: string): string | undefined {
  const start = system.indexOf(METADATA_START);
  if (start < 0 || start !== system.lastIndexOf(METADATA_START)) return undefined;
  const prompt = withoutSkills(system.trimEnd());
  if (!prompt?.endsWith(METADATA_END)) return undefined;
  return AGENT_ID.exec(prompt.slice(start + METADATA_START.length, start + METADATA_START.length + 43))?.[0].trimEnd();
}

/** Skills carry names that callers choose: with two beginnings nobody can tell which one is Letta's. */
function withoutSkills(prompt: string): string | undefined {
  if (!prompt.endsWith(SKILLS_END)) return prompt;
  const start = prompt.indexOf(SKILLS_START);
  return start >= 0 && start === prompt.lastIndexOf(SKILLS_START) ? prompt.slice(0, start).trimEnd() : undefined;
}

const USER_ID = /^user-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Letta 0.16.8 puts the acting user into OpenAI's field `user` (`letta/llm_api/openai_client.py`); nothing else passes. */
export function userOf({ user }: { readonly user?: unknown }): string | undefined {
  return typeof user === 'string' && USER_ID.test(user) ? user : undefined;
}

/** `agentOf` for the body of a call in Anthropic's format, whose system prompt is a text or a list of blocks. */
export function agentOfBody({ system }: Fields): string | undefined {
  const last = Array.isArray(system) ? objectOf(system.at(-1)).text : system;
  return typeof last === 'string' ? agentOf(last) : undefined;
}
