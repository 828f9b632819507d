import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ToolSandbox } from '../../lib';
import { Port } from '../../runtime/contract';
import { enterLab } from './enter';
import { Lab } from './lab';
import { bedrockHost, realBedrock } from './real-bedrock';

const usage = `npm run local [-- --port N] [-- --bedrock] [-- --custom-tools]: the whole deployment on this machine, until Ctrl-C

  --port N    where Letta answers on 127.0.0.1 (${Port.API})
  --bedrock   model calls go to the real Bedrock, with the AWS credentials found in the environment
  --custom-tools   callers may make tools of their own, which run in the lab's sandbox function`;

function options(): { port: number; useBedrock: boolean; customTools: boolean } {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      bedrock: { type: 'boolean' },
      'custom-tools': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) {
    console.log(usage);
    process.exit();
  }
  const port = Number(values.port ?? Port.API);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw new Error(`--port wants a number from 1 to 65535, got '${values.port}'\n\n${usage}`);
  }
  return { port, useBedrock: values.bedrock ?? false, customTools: values['custom-tools'] ?? false };
}

async function main(): Promise<void> {
  const { port, useBedrock, customTools } = options();
  const inside = await enterLab({
    port,
    outbound: useBedrock ? bedrockHost : undefined,
  });
  const forward = useBedrock ? realBedrock(process.env, inside.outbound) : undefined;

  const lab = await Lab.start({
    vpc: inside.vpc,
    stack: { http: true, customTools: customTools ? ToolSandbox.function() : undefined },
    forward,
    progress: (what) => console.log(`the lab ${what}`),
  });
  const secrets = mkdtempSync(path.join(os.tmpdir(), 'letta-password-'));
  const stopped = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
  try {
    await Promise.race([lab.deploy(), stopped]);
    if (!lab.service) return;
    const server = await inside.serve(lab.service.address, Port.API);
    const file = path.join(secrets, 'password');
    writeFileSync(file, lab.password, { mode: 0o600 });
    console.log(instructions(`http://127.0.0.1:${inside.port}`, file, lab, useBedrock, customTools));
    await stopped;
    server.close();
  } catch (error) {
    console.error(`${(error as Error).message}\nlogs are in ${lab.folder}`);
    process.exitCode = 1;
  } finally {
    console.log('the lab stops');
    await lab.stop({ keep: process.exitCode === 1 });
    rmSync(secrets, { recursive: true, force: true });
  }
}

function instructions(url: string, file: string, lab: Lab, bedrock: boolean, customTools: boolean): string {
  return `
Letta answers at ${url}
its password is in ${file}
logs are in ${lab.folder}/logs

  curl -H "Authorization: Bearer $(cat ${file})" -H 'Content-Type: application/json' ${url}/v1/agents/ \\
    -d '{"memory_blocks": [{"label": "human", "value": "Ada likes teal."}]}'
  curl -N -H "Authorization: Bearer $(cat ${file})" -H 'Content-Type: application/json' ${url}/v1/agents/AGENT_ID/messages/stream \\
    -d '{"messages": [{"role": "user", "content": "What does Ada like?"}]}'

  import { readFileSync } from 'node:fs';
  import Letta from '@letta-ai/letta-client';
  const client = new Letta({ baseURL: '${url}', apiKey: readFileSync('${file}', 'utf8') });
  const agent = await client.agents.create({ memory_blocks: [{ label: 'human', value: 'Ada likes teal.' }] });
  const { messages } = await client.agents.messages.create(agent.id, { input: 'What does Ada like?' });
  console.log(messages);
${
  customTools
    ? `
  curl -H "Authorization: Bearer $(cat ${file})" -H 'Content-Type: application/json' ${url}/v1/tools/run \\
    -d '{"name": "twice", "args": {"n": 21}, "source_code": "def twice(n: int) -> int:\\n    \\"\\"\\"Doubles.\\n\\n    Args:\\n        n (int): a number\\n    \\"\\"\\"\\n    return 2 * n"}'
`
    : ''
}
${
  bedrock
    ? 'Models are those of Bedrock, with your credentials and at your cost.'
    : `Models are the lab's fake one: it says so, calls a tool when told "call tool NAME with {…}", and answers
questions from what it was told. With AWS credentials in the environment, --bedrock asks the real ones.`
}
Ctrl-C stops it and removes everything; from a script: kill -INT ${process.pid}
`;
}

main().then(
  () => process.exit(),
  (error: NodeJS.ErrnoException) => {
    const inUse = error.code === 'EADDRINUSE' ? '; choose another: npm run local -- --port N' : '';
    const unknown = error.code?.startsWith('ERR_PARSE_ARGS') ? `\n\n${usage}` : '';
    console.error(`${error.message}${inUse}${unknown}`);
    process.exit(1);
  },
);
