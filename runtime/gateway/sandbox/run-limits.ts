import { Slots } from '../slots';
import { SandboxFailure } from './sandbox-failure';

/** Runs of a whole task at once: each may hold a payload in memory. */
const MOST = 128;

/** How much one agent, and all of them together, may have running. */
export class RunLimits {
  private readonly all = new Slots(MOST);
  private readonly byTenant = new Map<string, Slots>();

  constructor(private readonly perTenant: number) {}

  /** The function gives the slot back. @throws SandboxFailure if none is free, with what the agent is told */
  take(tenant: string): () => void {
    const own = this.byTenant.get(tenant) ?? new Slots(this.perTenant);
    const giveBackOwn = own.take();
    if (giveBackOwn === undefined) {
      throw new SandboxFailure('refused', `this agent is running ${this.perTenant} tools already, try again later`);
    }
    const giveBack = this.all.take();
    if (giveBack === undefined) {
      giveBackOwn();
      throw new SandboxFailure('refused', `this server is running ${MOST} tools already, try again later`);
    }
    this.byTenant.set(tenant, own);
    return () => {
      giveBackOwn();
      giveBack();
      if (own.empty) this.byTenant.delete(tenant);
    };
  }
}
