/** What PgBouncer logs when Postgres has no connection left for it, or when a session has waited in vain for one. */
const SIGNS = /too many (clients|connections)|connection slots are reserved|query_wait_timeout/;

/** PgBouncer asks Postgres again every two seconds as long as somebody waits: after this long, nobody does. */
const LASTS_MS = 5_000;

/** Whether the database has fewer connections than Letta asks for, told by PgBouncer's log. */
export class ConnectionShortage {
  private last = -Infinity;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** @param message a line of PgBouncer's log */
  note(message: string): void {
    if (SIGNS.test(message)) this.last = this.now();
  }

  /** For a caller whom it cost the answer. */
  reason(): string | undefined {
    if (this.now() - this.last > LASTS_MS) return undefined;
    return 'the database had no free connection: more were asked for than it takes at once';
  }
}
