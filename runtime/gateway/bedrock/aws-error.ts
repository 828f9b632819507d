import { ServerResponse } from 'node:http';
import { eventStreamCodec } from './event-stream-codec';
import { sendJson } from '../http-listener';
import { TellMalformed } from '../malformed-request';

/** Answers in the REST-JSON error shape of AWS services. */
export function refuse(
  response: ServerResponse,
  status: number,
  type: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  sendJson(response, status, { message }, { 'x-amzn-errortype': type, ...headers });
}

/** The same for what is no proper request, for which there is no response to write to. */
export const tellMalformed: TellMalformed = ({ reason }) => ({
  headers: { 'x-amzn-errortype': 'ValidationException' },
  body: { message: reason },
});

/** The event by which Bedrock itself reports that a stream failed (Bedrock API reference, `ResponseStream`). */
export function streamException(type: string, message: string): Buffer {
  const text = (value: string) => ({ type: 'string' as const, value });
  return Buffer.from(
    eventStreamCodec.encode({
      headers: {
        ':message-type': text('exception'),
        ':exception-type': text(type),
        ':content-type': text('application/json'),
      },
      body: Buffer.from(JSON.stringify({ message })),
    }),
  );
}
