import { writeFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { ExecutionEnvironment, RUNTIME_API } from './execution-environment';
import type { InterpreterSession } from './fake-aws/agentcore';
import type { LogFile } from './logs';
import type { VpcNamespace } from './namespace';

export interface InterpreterSessionOptions {
  readonly vpc: VpcNamespace;
  readonly sessionId: string;
  /** Folder that stands for `/usr/local`. */
  readonly programs: string;
  readonly folder: string;
  readonly log: LogFile;
}

/** Of AgentCore's session, "Supported resources", Amazon Bedrock AgentCore Developer Guide: 8 GB at most; here less. */
const MEMORY = 1024;
const LONGEST = 3_600_000;

/** Executes cells in one Python process, whose variables stay, and tells what was printed. */
const driver = `
import http.client, json, os, sys, traceback
space = {'__name__': '__main__', '__builtins__': __builtins__}

def call(method, path, body=None):
    connection = http.client.HTTPConnection('${RUNTIME_API.address}', ${RUNTIME_API.port})
    connection.request(method, '/2018-06-01/runtime/invocation/' + path, body)
    answer = connection.getresponse()
    return answer.headers.get('lambda-runtime-aws-request-id'), answer.read()

def execute(code):
    files = [os.memfd_create('stdout'), os.memfd_create('stderr')]
    kept = [os.dup(1), os.dup(2)]
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
    exit_code = 0
    try:
        exec(compile(code, '<cell>', 'exec'), space)
    except BaseException:
        traceback.print_exc()
        exit_code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    for number, file in enumerate(kept, 1):
        os.dup2(file, number)
        os.close(file)
    texts = []
    for file in files:
        os.lseek(file, 0, os.SEEK_SET)
        with open(file, 'rb') as opened:
            texts.append(opened.read().decode('utf-8', 'replace'))
    return {'stdout': texts[0], 'stderr': texts[1], 'exitCode': exit_code}

while True:
    request, event = call('GET', 'next')
    call('POST', request + '/response', json.dumps(execute(json.loads(event)['code'])))
`;

/** Every user of the machine has limits of its own; these are none of the functions'. */
let users = 30_000;

/** A session of a code interpreter with sandbox network: a machine of its own, without any network. */
export async function startInterpreterSession(options: InterpreterSessionOptions): Promise<InterpreterSession> {
  const name = `session-${options.sessionId.slice(0, 8)}`;
  const file = path.join(options.folder, `${name}.py`);
  mkdirSync(options.folder, { recursive: true });
  writeFileSync(file, driver);
  const user = `${++users}:990`;
  const environment = await ExecutionEnvironment.start({
    vpc: options.vpc,
    name,
    folder: options.folder,
    memorySize: MEMORY,
    ways: [],
    mostPayload: 64 * 1024 * 1024,
    container: {
      command: ['/bin/sh', '-c', '"$@" & wait $!', 'init', '/usr/local/bin/python', '/opt/driver.py'],
      environment: { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/tmp', LANG: 'C.UTF-8' },
      user,
      workingDirectory: '/tmp',
      mounts: [
        { source: options.programs, target: '/usr/local' },
        { source: file, target: '/opt/driver.py' },
      ],
      volumes: [{ path: '/tmp', owner: user, size: 512 }],
      hosts: '127.0.0.1 localhost\n',
      log: options.log,
    },
  });
  return {
    execute: (code) =>
      environment.invoke(Buffer.from(JSON.stringify({ code })), { functionArn: 'session', timeout: LONGEST }),
    stop: () => environment.stop(),
  };
}
