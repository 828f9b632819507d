import { randomUUID } from 'node:crypto';
import { arn } from '../account';
import type { EnvironmentAnswer } from '../execution-environment';
import { writeMessage } from './message-stream';
import { AwsError, type FakeService, type SignedCall } from './service';

/** Where the code of one session runs: what it leaves is there for the next. */
export interface InterpreterSession {
  execute(code: string): Promise<EnvironmentAnswer>;
  stop(): Promise<void>;
}

interface InvokeInput {
  readonly name: string;
  readonly arguments?: { readonly code?: string; readonly language?: string; readonly clearContext?: boolean };
}

interface CellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

/**
 * Code interpreters of Amazon Bedrock AgentCore: sessions with Python that stays between the calls.
 *
 * Source: "StartCodeInterpreterSession", "InvokeCodeInterpreter", Amazon Bedrock AgentCore Data Plane API Reference.
 */
export class FakeAgentCore implements FakeService {
  readonly host = 'bedrock-agentcore';
  readonly signingName = 'bedrock-agentcore';
  /** What starts a session, by the interpreter's id. */
  readonly interpreters = new Map<string, (sessionId: string) => Promise<InterpreterSession>>();
  private readonly sessions = new Map<string, { interpreter: string; session: InterpreterSession; busy: boolean }>();
  /** Sessions that were started, in order. */
  readonly started: string[] = [];

  /** Sessions that are there now. */
  get live(): string[] {
    return [...this.sessions.keys()];
  }

  async handle(call: SignedCall): Promise<void> {
    const { method, target, headers, body } = call.request;
    const url = new URL(target, 'https://lab');
    const [, interpreter, what] = /^\/code-interpreters\/([^/]+)\/(sessions\/start|sessions\/stop|tools\/invoke)$/.exec(
      url.pathname,
    ) ?? ['', '', ''];
    const actions: Record<string, string> = {
      'PUT sessions/start': 'StartCodeInterpreterSession',
      'PUT sessions/stop': 'StopCodeInterpreterSession',
      'POST tools/invoke': 'InvokeCodeInterpreter',
    };
    const action = actions[`${method} ${what}`];
    if (!action) throw new AwsError('UnknownOperationException', `no operation ${method} ${target}`, 404);
    const resource = arn('bedrock-agentcore', `code-interpreter-custom/${interpreter}`);
    call.authorize({ action: `bedrock-agentcore:${action}`, resource });
    if (action === 'StartCodeInterpreterSession') return this.start(call, interpreter);
    if (action === 'StopCodeInterpreterSession') {
      return this.stopSession(call, interpreter, url.searchParams.get('sessionId') ?? '');
    }
    const session = headers['x-amzn-code-interpreter-session-id'] ?? '';
    return this.invoke(call, interpreter, session, JSON.parse(body.toString('utf8')) as InvokeInput);
  }

  /** Ends a session as AgentCore does by itself, e.g. at its time-out. */
  async end(sessionId: string): Promise<void> {
    const found = this.sessions.get(sessionId);
    this.sessions.delete(sessionId);
    await found?.session.stop();
  }

  async stop(): Promise<void> {
    const all = [...this.sessions.values()];
    this.sessions.clear();
    await Promise.all(all.map(({ session }) => session.stop()));
  }

  private async start(call: SignedCall, interpreter: string): Promise<void> {
    const make = this.interpreters.get(interpreter);
    if (!make) throw new AwsError('ResourceNotFoundException', `no code interpreter ${interpreter}`, 404);
    const sessionId = randomUUID();
    this.sessions.set(sessionId, { interpreter, session: await make(sessionId), busy: false });
    this.started.push(sessionId);
    call.json({ codeInterpreterIdentifier: interpreter, sessionId, createdAt: new Date().toISOString() });
  }

  private async stopSession(call: SignedCall, interpreter: string, sessionId: string): Promise<void> {
    const { session } = this.find(interpreter, sessionId);
    this.sessions.delete(sessionId);
    await session.stop();
    call.json({ codeInterpreterIdentifier: interpreter, sessionId, lastUpdatedAt: new Date().toISOString() });
  }

  private async invoke(call: SignedCall, interpreter: string, sessionId: string, input: InvokeInput): Promise<void> {
    const found = this.find(interpreter, sessionId);
    const { code, language } = input.arguments ?? {};
    if (input.name !== 'executeCode' || language !== 'python' || code === undefined) {
      throw new AwsError('ValidationException', "the lab's code interpreter does executeCode for python alone");
    }
    if (found.busy) throw new AwsError('ConflictException', 'the session executes code already', 409);
    found.busy = true;
    try {
      const { response } = call;
      response.writeHead(200, {
        'content-type': 'application/vnd.amazon.eventstream',
        'x-amzn-code-interpreter-session-id': sessionId,
      });
      response.flushHeaders();
      const { payload, functionError } = await found.session.execute(code);
      if (functionError) {
        this.sessions.delete(sessionId);
        await found.session.stop();
        response.destroy();
        return;
      }
      const { stdout, stderr, exitCode } = JSON.parse(payload.toString('utf8')) as CellResult;
      writeMessage(response, 'result', {
        content: [{ type: 'text', text: stdout || stderr }],
        structuredContent: { stdout, stderr, exitCode, executionTime: 0 },
        isError: exitCode !== 0,
      });
      response.end();
    } finally {
      found.busy = false;
    }
  }

  private find(interpreter: string, sessionId: string) {
    const found = this.sessions.get(sessionId);
    if (found?.interpreter === interpreter) return found;
    throw new AwsError('ResourceNotFoundException', `no session ${sessionId}`, 404);
  }
}
