import { connect } from 'node:net';
import { Port } from '../../../../runtime/contract';
import { arn } from '../../../lab/account';
import { Address } from '../../../lab/namespace';
import { waitFor, within } from '../../../lab/wait';
import type { Deployed } from '../../deployed';
import { Outsider } from '../outsider';
import { serverOf } from './server-of';
import { type CallersTool, ToolCalls } from './tool-calls';
import {
  LOOK_UP,
  ASKS_AWS,
  NAMES_AWS,
  FETCHES,
  TUNNELS,
  CONNECTS,
  USES,
  TELLS,
  TYPED,
  LENDS,
  wayOutTools,
} from './ways-out-tools';

/** What tools of the deployment may invoke and reach. */
export const WAY_OUT = {
  functionArn: arn('lambda', 'function:look-up-orders'),
  port: 9443,
  endpoint: `${Address.AWS}:9443`,
} as const;
const OTHER_FUNCTION = arn('lambda', 'function:pay-out');
const OTHER_PORT = 9444;

/** What leads out of the function of callers' tools, each opened by its name, and that nothing else does. */
export function waysOutSuite(deployed: Deployed): void {
  describe('a tool with ways out', () => {
    const outsiders = { allowed: new Outsider(), other: new Outsider() };
    const invoked: Record<string, string[]> = { [WAY_OUT.functionArn]: [], [OTHER_FUNCTION]: [] };
    let calls: ToolCalls;
    let agent: string;
    let other: string;

    const returned = async (tool: CallersTool, args: object = {}, by = agent): Promise<string> => {
      const { status, returned: text } = await calls.turn(by, tool.name, args);
      expect(`${status}: ${text}`).toMatch(/^success: /);
      return text!;
    };
    const lines = (event: string) => deployed.containerLines('gateway').filter((line) => line.includes(`"${event}"`));
    const decisions = (from: number) =>
      deployed.lab.services.record.calls.slice(from).filter(({ context }) => context?.['lambda:SourceFunctionArn']);

    beforeAll(async () => {
      await Promise.all([outsiders.allowed.listen(WAY_OUT.port), outsiders.other.listen(OTHER_PORT)]);
      const { functions } = deployed.lab.services.lambda;
      for (const [functionArn, payloads] of Object.entries(invoked)) {
        const invoke = (event: Buffer) => {
          payloads.push(event.toString('utf8'));
          return Promise.resolve({ payload: Buffer.from('"on its way"') });
        };
        functions.set(functionArn, { invoke });
      }
      calls = new ToolCalls(serverOf(deployed));
      const ids = [];
      for (const tool of wayOutTools) ids.push(await calls.make(tool));
      [agent, other] = [await calls.agent(ids), await calls.agent(ids)];
    });
    afterAll(() => Object.values(outsiders).forEach((outsider) => outsider.stop()));

    test('invokes the function that allowFunction names', async () => {
      const before = deployed.lab.services.record.calls.length;
      expect(await returned(LOOK_UP, { number: '4711' })).toBe('"on its way"');
      expect(invoked[WAY_OUT.functionArn].at(-1)).toBe('{"number": "4711"}');
      expect(decisions(before)).toEqual([
        expect.objectContaining({ action: 'lambda:InvokeFunction', resource: WAY_OUT.functionArn, allowed: true }),
      ]);
    });

    test.each<[string, string, string, () => object]>([
      ['another function', 'lambda', 'invoke', () => ({ FunctionName: 'pay-out' })],
      ['the sandbox, to run code as another agent', 'lambda', 'invoke', () => ({ FunctionName: sandboxArn() })],
      ['the API’s password', 'secretsmanager', 'get_secret_value', () => ({ SecretId: passwordArn() })],
      ['a model', 'bedrock-runtime', 'invoke_model', () => ({ modelId: 'anthropic.claude-v2', body: '{}' })],
      ['the tasks', 'ecs', 'describe_tasks', () => ({ cluster: 'lab', tasks: [arn('ecs', 'task/lab/one')] })],
    ])('is denied %s, with the very credentials of its sandbox', async (_, service, operation, request) => {
      const before = deployed.lab.services.record.calls.length;
      const code = await returned(ASKS_AWS, { service, operation, request: JSON.stringify(request()) });
      expect(code).toBe('AccessDeniedException');
      expect(decisions(before)).toEqual([expect.objectContaining({ allowed: false })]);
      expect(invoked[OTHER_FUNCTION]).toEqual([]);
    });

    test('finds no service of AWS by its name but Lambda', async () => {
      expect(await returned(NAMES_AWS, { service: 'lambda' })).toMatch(/^REACHED/);
      for (const service of ['bedrock-runtime', 'secretsmanager', 'ecs', 'sts']) {
        expect(await returned(NAMES_AWS, { service })).toMatch(/^OSError: .*unreachable/);
      }
    });

    test('fetches from the host and port that allowEndpoint names, by the proxy that its environment names', async () => {
      const asked = outsiders.allowed.asked.length;
      expect(await returned(FETCHES, { url: `http://${WAY_OUT.endpoint}/by-requests` })).toMatch(/^200 .*not today/);
      expect(await returned(TUNNELS, { places: WAY_OUT.endpoint })).toBe(`${WAY_OUT.endpoint} 200 200`);
      expect(await returned(TYPED, { url: `http://${WAY_OUT.endpoint}/typed` })).toBe('200');
      expect(outsiders.allowed.asked.slice(asked)).toEqual(['GET /by-requests', 'GET /through-a-tunnel', 'GET /typed']);
      expect(lines('egress-request').join()).toContain(WAY_OUT.endpoint);
      expect(lines('egress-tunnel').join()).toContain(WAY_OUT.endpoint);
    });

    test('fetches from nobody else: other hosts and ports, metadata, database, cache, and the gateway itself', async () => {
      const loopback = Object.values(Port).map((port) => `127.0.0.1:${port}`);
      const task = Object.values(Port).map((port) => `${taskAddress()}:${port}`);
      const odd = [Port.LETTA, Port.AWS].flatMap((port) =>
        ['localhost', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '127.1'].map(
          (host) => `${host}:${port}`,
        ),
      );
      const places = [
        `${Address.AWS}:${OTHER_PORT}`,
        `${Address.AWS}:443`,
        `${Address.NOWHERE}:443`,
        'api.openai.com:443',
        '169.254.169.254:80',
        `${Address.CREDENTIALS}:80`,
        `${Address.DATABASE}:5432`,
        `${Address.CACHE}:6379`,
        ...[...loopback, ...task, ...odd],
      ];
      const said = (await returned(TUNNELS, { places: places.join(' ') })).split('\n');
      expect(said).toHaveLength(places.length);
      expect(said.filter((line) => !/ 40[03]$/.test(line))).toEqual([]);
      const fetched = [];
      for (const place of [`${Address.AWS}:${OTHER_PORT}`, '169.254.169.254', `${taskAddress()}:${Port.API}`]) {
        fetched.push((await returned(FETCHES, { url: `http://${place}/latest/meta-data/` })).slice(0, 3));
      }
      expect(fetched).toEqual(['403', '403', '403']);
      expect(outsiders.other.asked).toEqual([]);
      expect(lines('egress-refused').join()).toContain(`${Address.AWS}:${OTHER_PORT}`);
    });

    test('reaches past the proxy nothing but the proxy, Lambda, and its own environment’s Runtime API', async () => {
      const ports = [...Object.values(Port), 22, 53, 80, 443, 5432, 9001, WAY_OUT.port, OTHER_PORT];
      const hosts = ['127.0.0.1', taskAddress(), ...Object.values(Address), '169.254.169.254'];
      const places = hosts.flatMap((host) => ports.map((port) => `${host}:${port}`));
      expect((await returned(CONNECTS, { places: [...new Set(places)].join(' ') })).split(' ').sort()).toEqual(
        [`127.0.0.1:9001`, `${taskAddress()}:${Port.SANDBOX_EGRESS}`, `${Address.AWS}:443`].sort(),
      );
    });

    test('has the role’s credentials and a proxy of its own, and no variable of Lambda’s or the gateway’s', async () => {
      const variables = JSON.parse(await returned(TELLS)) as Record<string, string>;
      expect(
        Object.keys(variables)
          .filter((name) => /AWS|LAMBDA|GATEWAY|E2B|PG/.test(name))
          .sort(),
      ).toEqual([
        'AWS_ACCESS_KEY_ID',
        'AWS_DEFAULT_REGION',
        'AWS_REGION',
        'AWS_SECRET_ACCESS_KEY',
        'AWS_SESSION_TOKEN',
      ]);
    });

    test('may tell its pass, which leads no further, and whose connections end with its run', async () => {
      const told = invoked[WAY_OUT.functionArn].length;
      const run = returned(LENDS);
      await waitFor('the tool to tell its pass', () => invoked[WAY_OUT.functionArn].length > told, { timeout: 30_000 });
      const pass = new URL((JSON.parse(invoked[WAY_OUT.functionArn][told]) as { proxy: string }).proxy);
      const refused = await tunnel(pass, `${Address.AWS}:${OTHER_PORT}`);
      const open = await tunnel(pass, WAY_OUT.endpoint);
      expect([refused.status, open.status]).toEqual(['403', '200']);
      expect(await run).toBe('lent');
      await within('the end of what was opened by the pass', 5_000, open.closed);
      expect((await tunnel(pass, WAY_OUT.endpoint)).status).toBe('407');
    });

    test('takes its pass with it: once its run has ended no other run gets out by it', async () => {
      const [stolen, next] = [await proxy(), await proxy(other)];
      expect(stolen.password).not.toBe(next.password);
      for (const wrong of ['', `${stolen.username}:`, `${stolen.username}:${next.password}`]) {
        expect((await tunnel(stolen, WAY_OUT.endpoint, wrong)).status).toBe('407');
      }
      const url = `http://${WAY_OUT.endpoint}/stolen`;
      expect(await returned(USES, { url, by: stolen.href }, other)).toBe('407');
      expect(outsiders.allowed.asked).not.toContain('GET /stolen');
    });

    const proxy = async (by = agent) =>
      new URL((JSON.parse(await returned(TELLS, {}, by)) as Record<string, string>).HTTP_PROXY);
    const taskAddress = () => deployed.lab.service!.address;
    const sandboxArn = () => [...deployed.lab.services.lambda.functions.keys()].find((one) => !(one in invoked))!;
    const passwordArn = () => {
      const { template } = deployed.lab;
      return String(template.resolve({ Ref: template.only('AWS::SecretsManager::Secret')[0] }));
    };
  });
}

/**
 * Asks the proxy for a tunnel, from outside of the sandbox.
 *
 * @param login user and password. @default - those of the URL
 */
function tunnel(
  { hostname, port, username, password }: URL,
  place: string,
  login: string | undefined = `${username}:${password}`,
): Promise<{ status: string; closed: Promise<void> }> {
  const authorization = `Proxy-Authorization: Basic ${Buffer.from(login).toString('base64')}`;
  const head = [`CONNECT ${place} HTTP/1.1`, `Host: ${place}`, authorization, '', ''].join('\r\n');
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(head));
    const closed = new Promise<void>((ended) => socket.once('close', () => ended()));
    socket.on('error', reject).once('data', (data: Buffer) => {
      resolve({ status: data.toString('latin1').split(' ')[1], closed });
    });
  });
}
