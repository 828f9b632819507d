import Letta from '@letta-ai/letta-client';
import { enterLab } from '../lab/enter';
import { Lab, type LabOptions } from '../lab/lab';

/** A deployment for one specification: started before its first test, stopped after its last. */
export class Deployed {
  private running?: Lab;
  private failed = false;

  /** @param prepare done before the deployment, e.g. values of secrets that the stack does not make */
  constructor(options: Omit<LabOptions, 'vpc'> = {}, prepare: (lab: Lab) => void = () => undefined) {
    beforeAll(async () => {
      const { vpc } = await enterLab();
      try {
        await this.deploy({ vpc, ...options }, prepare);
      } catch (error) {
        // One more, and loudly: a machine under load is late now and then, a fault of ours fails twice.
        process.stderr.write(`DEPLOYED ONLY AT THE SECOND TRY, IF AT ALL: ${(error as Error).message}\n`);
        await this.running?.stop({ keep: true });
        await this.deploy({ vpc, ...options }, prepare);
      }
    }, 600_000);
    afterAll(async () => {
      await this.running?.stop({ keep: this.failed || process.env.LETTA_LAB_KEEP !== undefined });
    }, 60_000);
  }

  private async deploy(options: LabOptions, prepare: (lab: Lab) => void): Promise<void> {
    this.failed = true;
    this.running = await Lab.start(options);
    prepare(this.running);
    try {
      await this.running.deploy();
    } catch (error) {
      throw new Error(`${(error as Error).message}\nlogs are in ${this.running.folder}/logs`);
    }
    this.failed = false;
  }

  get lab(): Lab {
    if (!this.running) throw new Error('the lab has not been started');
    return this.running;
  }

  /** URL of a load balancer that stands before the service's tasks, if there is one. */
  front?: string;

  /** Where clients send their requests. */
  get url(): string {
    return this.front ?? this.lab.url;
  }

  /** The official client. @param password @default - the right one */
  client(password: string = this.lab.password): Letta {
    return new Letta({ baseURL: this.url, apiKey: password, maxRetries: 0, timeout: 60_000 });
  }

  /** A plain HTTP request with the right password, for routes and answers the client hides. */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Response> {
    return fetch(`${this.url}${path}`, {
      method,
      headers: headers ?? { authorization: `Bearer ${this.lab.password}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(60_000),
    });
  }

  /** What the agent said in answer to a message. */
  async turn(agent: string, message: string): Promise<string> {
    return textOf((await this.messages(agent, message)).messages);
  }

  messages(agent: string, message: string) {
    return this.client().agents.messages.create(agent, { messages: [{ role: 'user', content: message }] });
  }

  /** Log lines of a container of the service's tasks. */
  containerLines(container: 'gateway' | 'letta'): string[] {
    return this.lab
      .logLines()
      .filter(({ file }) => file.includes(`/task/${container}/`))
      .map(({ line }) => line);
  }
}

/** What was said in a list of messages or streamed pieces of them. */
export function textOf(messages: readonly object[]): string {
  return messages
    .map((message) => message as { message_type?: string; content?: unknown })
    .filter(({ message_type }) => message_type === 'assistant_message')
    .map(({ content }) => String(content))
    .join('');
}
