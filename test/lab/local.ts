import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Port } from '../../runtime/contract';
import { enterLab } from './enter';
import { Lab } from './lab';
import { bedrockHost, realBedrock } from './real-bedrock';

/**
 * `npm run local [-- --bedrock] [-- --port N]`: the whole deployment on this machine, until Ctrl-C.
 *
 * `--bedrock` sends model calls to the real Bedrock, with the AWS credentials found in the environment.
 */
async function main(): Promise<void> {
  const wanted = process.argv.indexOf('--port');
  const useBedrock = process.argv.includes('--bedrock');
  const inside = await enterLab({
    port: wanted > 0 ? Number(process.argv[wanted + 1]) : Port.API,
    outbound: useBedrock ? bedrockHost : undefined,
  });
  const forward = useBedrock ? realBedrock(process.env, inside.outbound) : undefined;

  const lab = await Lab.start({
    vpc: inside.vpc,
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
    console.log(instructions(`http://127.0.0.1:${inside.port}`, file, lab, useBedrock));
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

function instructions(url: string, file: string, lab: Lab, bedrock: boolean): string {
  return `
Letta answers at ${url}
its password is in ${file}
logs are in ${lab.folder}/logs

  curl -H "Authorization: Bearer $(cat ${file})" ${url}/v1/models/

${
  bedrock
    ? 'Models are those of Bedrock, with your credentials and at your cost.'
    : `Models are the lab's fake one: it says so, calls a tool when told "call tool NAME with {…}", and answers
questions from what it was told. With AWS credentials in the environment, --bedrock asks the real ones.`
}
Ctrl-C stops it and removes everything.
`;
}

main().then(
  () => process.exit(),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
