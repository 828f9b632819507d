import { IncomingHttpHeaders } from 'node:http';
import { EventStreamReader, stringHeader } from './event-stream-reader';
import { Fields, isObject, objectOf } from '../foreign-json';
import { TokenUsage } from './usage';

const EXCEPTION_TYPE = Buffer.from(':exception-type');
const ERROR_CODE = Buffer.from(':error-code');

/** Reads a passing answer of a Claude model for what it cost. It never throws and never holds the answer up. */
export interface AnswerReader {
  read(piece: Buffer): void;
  /** As far as the answer went. */
  usage(): TokenUsage | undefined;
  /** What Bedrock itself reported as an error in the middle of a stream. */
  exception(): string | undefined;
  /** Why an answer that ended is not whole after all. */
  missing(): string | undefined;
  /** Another message of an event stream may follow what was read. */
  readonly betweenMessages: boolean;
}

export const EVENT_STREAM = 'application/vnd.amazon.eventstream';

/** Answers are some kilobytes; one that is larger has its tokens in the headers too. */
const MOST_JSON_BYTES = 4 * 1024 * 1024;

export function answerReader(status: number, headers: IncomingHttpHeaders): AnswerReader {
  const counted = usageOfHeaders(headers);
  if (status === 200 && headers['content-type'] === EVENT_STREAM) return new StreamReader(counted);
  return new JsonReader(status, counted);
}

type Tokens = { -readonly [count in keyof TokenUsage]?: TokenUsage[count] };

/** `invoke`: one JSON document with `usage` in it. */
class JsonReader implements AnswerReader {
  readonly betweenMessages = false;
  private pieces: Buffer[] = [];
  private size = 0;

  constructor(
    private readonly status: number,
    private readonly counted: Tokens,
  ) {}

  read(piece: Buffer): void {
    this.size += piece.length;
    if (this.status !== 200 || this.size > MOST_JSON_BYTES) this.pieces = [];
    else this.pieces.push(piece);
  }

  usage(): TokenUsage | undefined {
    const answer = parsed(Buffer.concat(this.pieces));
    return whole({ ...this.counted, ...messageUsage(answer?.usage) });
  }

  exception(): undefined {
    return undefined;
  }

  missing(): undefined {
    return undefined;
  }
}

/** `invoke-with-response-stream`: events whose payload is base64 of the model's own event. */
class StreamReader implements AnswerReader {
  private tokens: Tokens = {};
  private metrics: Tokens = {};
  private failure?: string;
  private stopped = false;
  private readonly stream = new EventStreamReader((headers, payload) => this.event(headers, payload));

  constructor(private readonly counted: Tokens) {}

  get betweenMessages(): boolean {
    return this.stream.betweenMessages;
  }

  read(piece: Buffer): void {
    this.stream.push(piece);
  }

  usage(): TokenUsage | undefined {
    return whole({ ...this.counted, ...this.metrics, ...this.tokens });
  }

  exception(): string | undefined {
    return this.failure;
  }

  missing(): string | undefined {
    // Bytes that are no event stream are the client's to refuse: nothing is known about them here.
    if (this.stopped || this.failure !== undefined || !this.stream.readable) return undefined;
    return this.betweenMessages
      ? 'the stream ended without the event message_stop'
      : 'the stream ended in the middle of an event';
  }

  private event(headers: Buffer, payload: Buffer): void {
    if (startsWith(payload, CONTENT_EVENT)) return;
    const exception = stringHeader(headers, EXCEPTION_TYPE) ?? stringHeader(headers, ERROR_CODE);
    if (exception !== undefined) return void (this.failure = exception);
    const event = modelEvent(payload);
    switch (event?.type) {
      case 'message_start':
        return this.add(objectOf(event.message).usage);
      case 'message_delta':
        return this.add(event.usage);
      case 'message_stop':
        this.stopped = true;
        this.metrics = invocationMetrics(event['amazon-bedrock-invocationMetrics']);
        return;
      case 'error':
        this.failure = String(objectOf(event.error).type ?? 'error');
    }
  }

  /** Counts are running totals (Anthropic's API reference, "Streaming messages"): a later one replaces an earlier. */
  private add(usage: unknown): void {
    this.tokens = { ...this.tokens, ...messageUsage(usage) };
  }
}

/** How an event about content begins, nearly all of a stream: such an event has no usage and need not be decoded. */
const CONTENT_EVENT = Buffer.from(`{"bytes":"${Buffer.from('{"type":"content_bloc').toString('base64')}`);

function startsWith(bytes: Buffer, beginning: Buffer): boolean {
  return bytes.length >= beginning.length && bytes.compare(beginning, 0, beginning.length, 0, beginning.length) === 0;
}

function modelEvent(payload: Buffer): Fields | undefined {
  const bytes = parsed(payload)?.bytes;
  return typeof bytes === 'string' ? parsed(Buffer.from(bytes, 'base64')) : undefined;
}

/** Anthropic's own names. */
function messageUsage(usage: unknown): Tokens {
  const counts = objectOf(usage);
  return known({
    inputTokens: counts.input_tokens,
    outputTokens: counts.output_tokens,
    cacheReadInputTokens: counts.cache_read_input_tokens,
    cacheWriteInputTokens: counts.cache_creation_input_tokens,
  });
}

/** What Bedrock adds to the last event of a stream. */
function invocationMetrics(metrics: unknown): Tokens {
  const counts = objectOf(metrics);
  return known({
    inputTokens: counts.inputTokenCount,
    outputTokens: counts.outputTokenCount,
    cacheReadInputTokens: counts.cacheReadInputTokenCount,
    cacheWriteInputTokens: counts.cacheWriteInputTokenCount,
  });
}

function usageOfHeaders(headers: IncomingHttpHeaders): Tokens {
  const count = (name: string) => {
    const value = headers[`x-amzn-bedrock-${name}-token-count`];
    return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined;
  };
  return known({
    inputTokens: count('input'),
    outputTokens: count('output'),
    cacheReadInputTokens: count('cache-read-input'),
    cacheWriteInputTokens: count('cache-write-input'),
  });
}

function known(counts: { readonly [count in keyof TokenUsage]: unknown }): Tokens {
  return Object.fromEntries(
    Object.entries(counts).filter(([, count]) => Number.isSafeInteger(count) && (count as number) >= 0),
  );
}

function whole(tokens: Tokens): TokenUsage | undefined {
  if (Object.keys(tokens).length === 0) return undefined;
  return { inputTokens: 0, outputTokens: 0, cacheReadInputTokens: 0, cacheWriteInputTokens: 0, ...tokens };
}

function parsed(json: Buffer): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json.toString('utf8'));
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
