import fc from 'fast-check';
import { JsonSpans, MalformedJson } from '../../../../runtime/gateway/sandbox/json-spans';
import { toolResult, UnreadableResult } from '../../../../runtime/gateway/sandbox/tool-result';

const base64 = (json: string) => Buffer.from(json, 'utf8').toString('base64');
const python = (json: string) => Buffer.from(toolResult(base64(json), 'python'), 'base64').toString('utf8');

test('any JSON value comes through as it was written', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(3), (value, indent) => {
      const json = JSON.stringify(value, null, indent);
      expect(new JsonSpans(`{"results": ${json}, "agent_state": {"a": [1]}}`).member('results')).toBe(
        JSON.stringify(JSON.parse(json), null, indent),
      );
    }),
  );
});

test('what JavaScript takes for no JSON object is none here, but for NaN and the infinities', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '"\\u00e9"',
    '1',
    '-0.5e3',
    '01',
    'null',
    'tru',
    ' ',
    '\n',
    '\u00a0',
    '"\n"',
    '"\\x"',
    '"',
  );
  fc.assert(
    fc.property(
      fc.array(pieces, { maxLength: 12 }).map((some) => some.join('')),
      (text) => {
        expect(accepts(text)).toBe(isObjectText(text));
      },
    ),
    { numRuns: 20_000 },
  );
});

function accepts(text: string): boolean {
  try {
    return new JsonSpans(text) instanceof JsonSpans;
  } catch (error) {
    if (error instanceof MalformedJson) return false;
    throw error;
  }
}

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

test('numbers stay those of Python', () => {
  const results = '[1.0, 1e400, -0, 18446744073709551616, NaN, -Infinity]';
  expect(python(`{"results": ${results}}`)).toBe(`{"results":${results},"agent_state":null}`);
});

test.each([
  ['as a member', '{"results": 1, "agent_state": {"id": "agent-2"}}'],
  ['twice', '{"agent_state": null, "results": 1, "agent_state": {"id": "agent-2"}}'],
  ['with its name escaped', '{"results": 1, "agent\\u005fstate": {"id": "agent-2"}}'],
])('an agent state %s does not come through', (_, json) => {
  expect(python(json)).toBe('{"results":1,"agent_state":null}');
});

test('of two results the last counts, as for Python', () => {
  expect(python('{"results": 1, "r\\u0065sults": 2}')).toBe('{"results":2,"agent_state":null}');
});

test('what Letta could not store is replaced, and whole pairs stay', () => {
  expect(python('{"results": "\\ud83d\\ude00 \\ud800 \\udc00\\u0000 \\\\u0000"}')).toBe(
    '{"results":"\\ud83d\\ude00 \\ufffd \\ufffd\\ufffd \\\\u0000","agent_state":null}',
  );
});

test('escapes stay what they mean but for what Letta could not store', () => {
  const piece = fc.constantFrom(
    '\\\\',
    '\\u',
    '\\ud83d',
    '\\udE00',
    '\\u0000',
    '\\u0041',
    '\\n',
    '\\"',
    'u',
    'd83d',
    '0000',
    'é',
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 10 }).map((some) => `"${some.join('')}"`),
      (json) => {
        let text: string;
        try {
          text = JSON.parse(json) as string;
        } catch {
          return;
        }
        const storable = Buffer.from(text).toString('utf8').replaceAll('\0', '\ufffd');
        expect(JSON.parse(python(`{"results": ${json}}`))).toEqual({ results: storable, agent_state: null });
      },
    ),
    { numRuns: 20_000 },
  );
});

test.each([
  ['nested too deep', `{"results": ${'['.repeat(300)}${']'.repeat(300)}}`],
  ['of a number without end', `{"results": ${'9'.repeat(5_000)}}`],
  ['a list', '[1]'],
  ['two objects', '{"results": 1}{}'],
  ['a string without end', `{"results": "${'a'.repeat(100_000)}`],
])('a result that is %s is refused', (_, json) => {
  expect(() => toolResult(base64(json), 'python')).toThrow(UnreadableResult);
  expect(() => toolResult(json, 'typescript')).toThrow(UnreadableResult);
});

test('a result of two megabytes is read at once', () => {
  const began = Date.now();
  python(`{"results": "${'\\n'.repeat(750_000)}"}`);
  python(`{"results": "${'\\ud83d'.repeat(250_000)}"}`);
  python(`{"results": "${'a\\u00e9'.repeat(290_000)}"}`);
  python(`{"results": [${'[1],'.repeat(500_000)}1]}`);
  expect(Date.now() - began).toBeLessThan(3_000);
});
