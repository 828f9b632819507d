import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { SandboxPackageAnswer, SandboxRequest, SandboxRun, SandboxRunAnswer } from '../../../runtime/contract';
import { LambdaRuntime } from '../../lab/lambda-runtime';
import { sandboxPython } from '../../lab/parts/sandbox-python';

const CODE = path.resolve(__dirname, '../../../runtime/images/sandbox');
const NOBODY = 65534;

/**
 * The sandbox function as Lambda runs it: its handler under AWS's own runtime interface client, against a Runtime API,
 * with credentials in its environment that no tool may ever see.
 */
export class SandboxFunction {
  static readonly SECRET = 'the-secret-of-the-role';
  /** Where tools may write. */
  readonly folder = mkdtempSync(path.join(tmpdir(), 'sandbox-test-'));
  /** Port of the Runtime API, on loopback. */
  port = 0;
  log = '';
  private readonly runtime = new LambdaRuntime();
  private process?: ChildProcess;
  private place?: string;

  async start(environment: Record<string, string> = {}): Promise<void> {
    const place = this.readableByAll({ programs: await sandboxPython(), code: CODE });
    const local = path.join(place, 'programs');
    this.port = (await this.runtime.listen(0)) ?? 0;
    chmodSync(this.folder, 0o700);
    const root = process.getuid?.() === 0;
    if (root) chownSync(this.folder, NOBODY, NOBODY);
    // Limits of processes do not bind root.
    const user = root ? ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'] : ['env'];
    const [program, ...options] = [
      ...user,
      path.join(local, 'bin/python'),
      '-B',
      '-m',
      'awslambdaric',
      'handler.handle',
    ];
    this.process = spawn(program, options, {
      cwd: path.join(place, 'code'),
      env: {
        PATH: `${local}/bin:/usr/bin:/bin`,
        SANDBOX_WRITABLE: this.folder,
        SANDBOX_NODE: path.join(local, 'bin/node'),
        AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${this.port}`,
        AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
        AWS_REGION: 'eu-central-1',
        AWS_SECRET_ACCESS_KEY: SandboxFunction.SECRET,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.process.stdout?.on('data', (data) => (this.log += String(data)));
    this.process.stderr?.on('data', (data) => (this.log += String(data)));
    const ended = new Promise<never>((_, reject) =>
      this.process?.once('exit', (code) => reject(new Error(`the function ended with ${code}:\n${this.log}`))),
    );
    ended.catch(() => undefined);
    await Promise.race([this.runtime.ready(), ended]);
    this.ended = ended;
  }

  /** The function runs as nobody, who may not see into a clone in somebody's home. @returns a folder with the copies */
  private readableByAll(folders: Record<string, string>): string {
    const place = (this.place = mkdtempSync(path.join(tmpdir(), 'sandbox-image-')));
    chmodSync(place, 0o755);
    for (const [name, folder] of Object.entries(folders)) execFileSync('cp', ['-a', folder, path.join(place, name)]);
    return place;
  }

  /** Rejects when the function's process ends. */
  ended: Promise<never> = new Promise(() => undefined);

  get pid(): number {
    return this.process?.pid ?? 0;
  }

  run(code: string, options: Partial<SandboxRun> = {}): Promise<SandboxRunAnswer> {
    const request: SandboxRun = {
      kind: 'run',
      language: 'python',
      code,
      environment: {},
      timeoutMs: 10_000,
      ...options,
    };
    return this.ask(request) as Promise<SandboxRunAnswer>;
  }

  async ask(request: SandboxRequest): Promise<SandboxRunAnswer | SandboxPackageAnswer> {
    const context = { functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:tools', timeout: 30_000 };
    const event = Buffer.from(JSON.stringify(request));
    const { failed, payload } = await Promise.race([this.runtime.invoke(event, context), this.ended]);
    if (failed) throw new Error(payload.toString('utf8'));
    return JSON.parse(payload.toString('utf8')) as SandboxRunAnswer;
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.process?.once('exit', resolve));
    if (this.process?.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGKILL');
      await gone;
    }
    this.runtime.stop();
    rmSync(this.folder, { recursive: true, force: true });
    if (this.place) rmSync(this.place, { recursive: true, force: true });
  }
}
