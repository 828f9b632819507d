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
