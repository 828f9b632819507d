import type { Deployed } from '../../deployed';
import { failing } from '../../../lab/fake-aws/faults';
import { serverOf } from './server-of';
import { type CallersTool, ToolCalls } from './tool-calls';

const python = (name: string, body: string, more: Partial<CallersTool> = {}): CallersTool => ({
  name,
  source: `def ${name}() -> str:\n    """Does something."""\n${body.replace(/^/gm, '    ')}\n`,
  ...more,
});

const FINE = python('fine', 'return "fine"');

/** What goes wrong is told to the agent, with its cause, and the turn ends as any. */
export function badInputSuite(deployed: Deployed): void {
  describe('what is wrong with a tool', () => {
    let calls: ToolCalls;
    beforeAll(() => void (calls = new ToolCalls(serverOf(deployed))));

    test.each<[string, CallersTool, RegExp]>([
      [
        'a package that is not there',
        python('wants_package', 'return "x"', { pip: ['left-pad-of-python'] }),
        /left-pad-of-python/,
      ],
      ['an import that is not there', python('imports', 'import not_there\nreturn "x"'), /No module named 'not_there'/],
      [
        'a package of npm that is not there',
        {
          name: 'wants_npm',
          source: 'export function wants_npm(): string {\n  return "x";\n}\n',
          language: 'typescript',
          parameters: { type: 'object', properties: {}, required: [] },
          npm: ['left-pad-of-node'],
        },
        /left-pad-of-node/,
      ],
      [
        'a state of its agent as a parameter, which a sandbox without Letta’s classes cannot read,',
        {
          name: 'takes_state',
          source: 'def takes_state(agent_state: "AgentState") -> str:\n    """Takes it."""\n    return "x"\n',
        },
        /No module named 'letta'/,
      ],
      [
        'a name that is not there',
        python('calls_nothing', 'return not_there()'),
        /NameError.*not_there|not_there.*not defined/,
      ],
    ])('as %s is told to the agent', async (_, tool, told) => {
      const agent = await calls.agent([await calls.make(tool)]);
      const outcome = await calls.turn(agent, tool.name);
      expect(outcome).toMatchObject({ status: 'error', returned: expect.stringMatching(told) as string });
      expect(outcome.said).not.toBe('');
    });

    test('as a result that is no JSON is told, or comes as its text, as on a stock server', async () => {
      const tool = python('gives_object', 'return object()');
      const outcome = await calls.turn(await calls.agent([await calls.make(tool)]), tool.name);
      expect(outcome.returned).toMatch(/object at 0x|serializ/);
      expect(outcome.said).not.toBe('');
    });

    test('as source that does not parse is refused when it is made', async () => {
      const broken = { name: 'broken', source: 'def broken( -> str:\n    return 1\n' };
      await expect(calls.make(broken)).rejects.toThrow(/answered 4\d\d.*(syntax|parse)/is);
    });

    test.each([
      ['throttled', 429, 'TooManyRequestsException', /Lambda throttled the run\), try again later/],
      ['gone', 404, 'ResourceNotFoundException', /is gone: its function does not exist/],
      ['refused', 403, 'AccessDeniedException', /could not run the tool: AccessDenied/],
      ['broken', 500, 'ServiceException', /could not run the tool: ServiceException/],
    ])('as a sandbox that is %s is told to the agent, with the cause', async (_, status, code, told) => {
      const agent = await calls.agent([await calls.make(FINE)]);
      const mend = deployed.lab.services.aws.faults.inject('lambda', failing(status, code));
      try {
        const outcome = await calls.turn(agent, FINE.name);
        expect(outcome).toMatchObject({ status: 'error', returned: expect.stringMatching(told) as string });
        expect(outcome.said).not.toBe('');
      } finally {
        mend();
      }
      expect(await calls.turn(agent, FINE.name)).toMatchObject({ status: 'success', returned: 'fine' });
    });
  });
}
