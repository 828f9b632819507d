import { Server, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { EventStreamCodec } from '@smithy/eventstream-codec';
import { sendJson } from '../http-listener';

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

/** The same for what is not even HTTP, where Node has no response to write to. */
export function refuseMalformed(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    // An answer may be on its way: nothing may be written into the middle of it.
    if (!socket.writable || (socket as Socket).bytesWritten > 0) return void socket.destroy();
    const [status, message] = MALFORMED[error.code ?? ''] ?? ['400 Bad Request', 'the request is not HTTP'];
    const body = JSON.stringify({ message });
    socket.end(
      `HTTP/1.1 ${status}\r\nx-amzn-errortype: ValidationException\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  });
}

/** Status and message by Node's error code. */
const MALFORMED: Readonly<Record<string, readonly [string, string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'the headers are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'the request came too slowly'],
};

const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** The event by which Bedrock itself reports that a stream failed (Bedrock API reference, `ResponseStream`). */
export function streamException(type: string, message: string): Buffer {
  const text = (value: string) => ({ type: 'string' as const, value });
  return Buffer.from(
    codec.encode({
      headers: {
        ':message-type': text('exception'),
        ':exception-type': text(type),
        ':content-type': text('application/json'),
      },
      body: Buffer.from(JSON.stringify({ message })),
    }),
  );
}
