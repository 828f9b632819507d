import { IncomingHttpHeaders } from 'node:http';
import { BodyTooLarge } from '../http-listener';
import { describeError } from '../log';
import { isUpstreamTimeout } from '../relay-response';

/** An error in the shape of OpenAI's API, which is what Letta's client reads. */
export class OpenAIError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** AWS's own code, or one of OpenAI's that Letta acts on. */
    readonly code: string | null = null,
    readonly headers: Record<string, string> = {},
    /** The field of the request that is wrong. */
    readonly field: string | null = null,
  ) {
    super(message);
  }

  get body() {
    return { error: { message: this.message, type: errorType(this.status), param: this.field, code: this.code } };
  }
}

function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  if (status === 403) return 'permission_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** The request is wrong. @param field the one that must change */
export function invalid(message: string, field: string | null = null): OpenAIError {
  return new OpenAIError(400, message, null, {}, field);
}

/** OpenAI's code for a prompt that is too long: Letta then makes the conversation shorter and asks again. */
const CONTEXT_EXCEEDED = 'context_length_exceeded';
/** How Bedrock's models say it: the code is the same `ValidationException` as for any other mistake. */
const TOO_LONG =
  /input is too long|prompt is too long|input tokens? exceed|tokens exceeds? (the )?max|too large for model|maximum context length|context (window|length) exceeded/i;

/** What Bedrock answered instead of 200. */
export function bedrockError(status: number, headers: IncomingHttpHeaders, answer: unknown): OpenAIError {
  const code = String(headers['x-amzn-errortype'] ?? 'error').split(':', 1)[0];
  const retryAfter = headers['retry-after'];
  return bedrockFailure(status, code, messageOf(answer), retryAfter === undefined ? {} : { 'retry-after': retryAfter });
}

/** A failure that Bedrock names by a code. */
export function bedrockFailure(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): OpenAIError {
  const tooLong = status === 400 && TOO_LONG.test(message);
  return new OpenAIError(
    status,
    `Bedrock answered ${code}: ${message}`,
    tooLong ? CONTEXT_EXCEEDED : code === 'error' ? null : code,
    headers,
  );
}

function messageOf(answer: unknown): string {
  const { message, Message } = (answer ?? {}) as { message?: unknown; Message?: unknown };
  return String(message ?? Message ?? 'no message');
}

/** Any failure as one that can be answered. */
export function asOpenAIError(error: unknown, doing: string): OpenAIError {
  if (error instanceof OpenAIError) return error;
  if (error instanceof BodyTooLarge) return new OpenAIError(413, error.message, null, { connection: 'close' });
  if (isUpstreamTimeout(error)) return new OpenAIError(504, `Bedrock did not answer in time: ${describeError(error)}`);
  return new OpenAIError(503, `the gateway could not ${doing}: ${describeError(error)}`);
}
