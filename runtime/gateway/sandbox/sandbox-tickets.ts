import { randomBytes } from 'node:crypto';

/** A sandbox that Letta has asked for. Nothing exists behind it until code comes. */
export interface SandboxTicket {
  readonly id: string;
  readonly token: string;
  /** Environment of every run in it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Letta sends the code at once, after a `pip install` a package: this is the life time it asks E2B for. */
const LIFE_MS = 300_000;
/** Far above what one server has under way; each holds an environment. */
const MOST = 512;
/** Letta asks once for each package of a tool. */
const MOST_COMMANDS = 64;

/**
 * The sandboxes that wait for their code. Whoever makes Letta fetch a URL for him can reach the gateway's ports too, but
 * knows no token: he cannot run anything.
 */
export class SandboxTickets {
  private readonly open = new Map<string, { ticket: SandboxTicket; expires: number; commands: number }>();

  constructor(private readonly now: () => number = Date.now) {}

  issue(environment: SandboxTicket['environment']): SandboxTicket {
    this.forgetOld();
    const ticket = {
      id: `sbx-${randomBytes(12).toString('hex')}`,
      token: randomBytes(32).toString('hex'),
      environment,
    };
    this.open.set(ticket.token, { ticket, expires: this.now() + LIFE_MS, commands: 0 });
    return ticket;
  }

  /** For one run of code. */
  redeem(token: string | undefined): SandboxTicket | undefined {
    const found = this.find(token);
    if (found) this.open.delete(found.ticket.token);
    return found?.ticket;
  }

  /** For a command before the code. */
  admitCommand(token: string | undefined): boolean {
    const found = this.find(token);
    return found !== undefined && ++found.commands <= MOST_COMMANDS;
  }

  private find(token: string | undefined) {
    this.forgetOld();
    return token === undefined ? undefined : this.open.get(token);
  }

  /** The map is in order of issue, which is that of expiry too. */
  private forgetOld(): void {
    for (const [token, { expires }] of this.open) {
      if (expires > this.now() && this.open.size < MOST) break;
      this.open.delete(token);
    }
  }
}
