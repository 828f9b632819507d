import { BedrockAnswer } from '../ollama/chat-front';
import { converseEvent } from './event-stream';

/** What the models here cost. */
export const usage = { inputTokens: 10, outputTokens: 5, totalTokens: 15 };
/** A plain answer of Converse. */
export const said = (text: string) => ({
  output: { message: { role: 'assistant', content: [{ text }] } },
  stopReason: 'end_turn',
  usage,
});
export const answers: BedrockAnswer = (response) =>
  response
    .writeHead(200, { 'content-type': 'application/json', 'x-amzn-requestid': 'r-1' })
    .end(JSON.stringify(said('Hello.')));
/** As AWS's services fail. */
export const fails =
  (status: number, code: string, message: string, headers: Record<string, string> = {}): BedrockAnswer =>
  (response) =>
    response
      .writeHead(status, { 'x-amzn-errortype': `${code}:http://internal.amazon.com/`, ...headers })
      .end(JSON.stringify({ message }));
export const delta = (text: string) => converseEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } });
/** What a stream begins and ends with. */
export const beginning = [converseEvent('messageStart', { role: 'assistant' }), delta('Hel'), delta('lo.')];
export const ending = [converseEvent('messageStop', { stopReason: 'end_turn' }), converseEvent('metadata', { usage })];
/** A stream of these messages, ended as if all were well. */
export const streams =
  (...messages: Buffer[]): BedrockAnswer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' });
    response.end(Buffer.concat(messages));
  };
