import { vector } from './fake-aws/embeddings';
import { answer, type ModelRequest } from './fake-aws/fake-model';

const said = (request: ModelRequest) => answer(request).message('claude').content;
const user = (content: string) => ({ role: 'user', content });

describe('the fake model', () => {
  test('says that it is one, and gives the same answer each time', () => {
    const request = { messages: [user('Hello.')] };
    expect(said(request)).toEqual([{ type: 'text', text: "I am the lab's fake model, not Claude. You said: Hello." }]);
    expect(said(request)).toEqual(said(request));
  });

  test('calls a tool it has when told to, and no other', () => {
    const messages = [user('call tool note with {"text": "x"}')];
    const tools = [{ name: 'note', input_schema: { required: ['text', 'request_heartbeat'] } }];
    expect(said({ messages, tools })).toMatchObject([
      { type: 'tool_use', name: 'note', input: { text: 'x', request_heartbeat: true } },
    ]);
    expect(said({ messages })).toMatchObject([{ type: 'text', text: expect.stringContaining('I have no tool note') }]);
  });

  test('knows what stands in its memory or was said, and nothing else', () => {
    const system = 'Colours are nice. <value>The human likes mountains.</value>';
    const earlier = [user('My favourite colour is teal.'), { role: 'assistant', content: 'Fine.' }];
    const ask = (question: string, messages = earlier) =>
      JSON.stringify(said({ system, messages: [...messages, user(question)] }));
    expect(ask('What is my favourite colour?')).toContain('My favourite colour is teal.');
    expect(ask('What is my favourite colour?', [])).toContain('I remember nothing of that');
    expect(ask('Which mountains does the human like?')).toContain('The human likes mountains.');
  });
});

describe('the fake embeddings', () => {
  const likeness = (one: string, other: string) => {
    const [a, b] = [vector(one, 1024), vector(other, 1024)];
    return a.reduce((sum, value, index) => sum + value * b[index], 0);
  };

  test('are unit vectors, equal for equal texts', () => {
    expect(likeness('the same text', 'the same text')).toBeCloseTo(1);
  });

  test('lie nearer to what shares words or parts of words', () => {
    expect(likeness('sleeping cats', 'A cat sleeps.')).toBeGreaterThan(
      likeness('sleeping cats', 'The tower of Paris.'),
    );
  });
});
