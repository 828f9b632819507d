import type { Deployed } from '../../deployed';
import { pythonTool } from './python-tool';
import { serverOf } from './server-of';
import { type Message, ToolCalls, turnOutcome } from './tool-calls';

const tool = pythonTool('roll_out(times: int)', 'print("printed")\nreturn "rolled " * times');

/** Turns that are streamed, as most clients have them. */
export function streamedSuite(deployed: Deployed): void {
  describe('a streamed turn', () => {
    let agent: string;
    beforeAll(async () => {
      const calls = new ToolCalls(serverOf(deployed));
      agent = await calls.agent([await calls.make(tool)]);
    });

    test.each([false, true])('with a tool is told in its pieces; in the background: %s', async (background) => {
      const content = `call tool ${tool.name} with {"times": 3}`;
      const stream = await deployed.client().agents.messages.stream(agent, {
        messages: [{ role: 'user', content }],
        stream_tokens: true,
        background,
      });
      const pieces = [];
      for await (const piece of stream) pieces.push(piece as Message);
      expect(turnOutcome(pieces)).toMatchObject({
        status: 'success',
        returned: 'rolled rolled rolled ',
        said: expect.stringContaining('The tool answered:') as string,
      });
      expect(pieces.filter(({ message_type }) => message_type === 'assistant_message').length).toBeGreaterThan(1);
    });
  });
}
