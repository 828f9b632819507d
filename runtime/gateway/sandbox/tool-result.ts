import { JsonSpans, MalformedJson } from './json-spans';

/** What a tool's run left is nothing that Letta could read. */
export class UnreadableResult extends Error {}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * The result of a tool's run as Letta may have it: `{"results": …, "agent_state": null}`. Letta would write a returned
 * agent state into the agent's memory, so none ever gets there, whatever the code says.
 *
 * The value itself stays as it is, character by character: Python's 1.0, NaN and large integers are not JavaScript's.
 *
 * @param text base64 of JSON for Python, JSON for TypeScript (letta 0.16.8, `tool_sandbox/base.py`, `typescript_generator.py`)
 * @throws UnreadableResult
 */
export function toolResult(text: string | undefined, language: 'python' | 'javascript' | 'typescript'): string {
  if (text === undefined || text === '') throw new UnreadableResult('it ended without a result');
  const json = language === 'python' ? decoded(text) : text;
  let results: string;
  try {
    results = new JsonSpans(json).member('results') ?? 'null';
  } catch (error) {
    if (error instanceof MalformedJson) throw new UnreadableResult(`its result is no JSON object: ${error.message}`);
    throw error;
  }
  const answer = `{"results":${results},"agent_state":null}`;
  return language === 'python' ? Buffer.from(answer, 'utf8').toString('base64') : answer;
}

function decoded(text: string): string {
  // Python's repr of a string, should a runner ever give that, has quotes around it.
  if (!BASE64.test(text) || text.length % 4 !== 0)
    throw new UnreadableResult('its result is not the base64 that Letta made');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.from(text, 'base64'));
  } catch {
    throw new UnreadableResult('its result is not UTF-8');
  }
}
