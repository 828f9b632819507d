/** What stands behind the gateway. */
export type CheckName = 'letta' | 'database' | 'cache' | 'bedrock';

export interface CheckResult {
  readonly ok: boolean;
  /** Why not, without secret and host. */
  readonly reason?: string;
}

export interface ReadinessReport {
  readonly ready: boolean;
  /** Of what this gateway is configured for. */
  readonly checks: { readonly [name in CheckName]?: CheckResult };
}

export interface Readiness {
  /** Not older than five seconds; every check takes two at most, and callers at the same time share one look. */
  report(): Promise<ReadinessReport>;
  /**
   * From memory, without a call: why the task must not look healthy. A server without chat models must not: their list
   * is empty, or could never be read since the start.
   */
  unhealthy(): string | undefined;
}
