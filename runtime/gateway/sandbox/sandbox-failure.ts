import { describeError } from '../log';

/** A run that did not come about, or did not end as one: what the agent is told, and who is to blame. */
export class SandboxFailure extends Error {
  constructor(
    readonly outcome: 'error' | 'refused' | 'unavailable' | 'died' | 'timeout' | 'size',
    message: string,
  ) {
    super(message);
    this.name = 'ToolSandboxError';
  }
}

/** AWS's messages name accounts, roles and addresses: an agent is told the kind only. */
export function couldNotRun(error: unknown): SandboxFailure {
  const { name, code } = (error ?? {}) as NodeJS.ErrnoException;
  const reason = (name === 'Error' ? code : name) ?? describeError(error);
  return new SandboxFailure('unavailable', `the tool sandbox could not run the tool: ${reason}`);
}
