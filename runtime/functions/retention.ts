import { Client, QueryResult } from 'pg';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  agentsStatement,
  countStatement,
  cutOffStatement,
  deleteStatement,
  RetentionScope,
  Statement,
} from './retention-statements';

/** What is kept for how long. */
export interface RetentionPolicy {
  /** Older messages are deleted, at least a day. */
  readonly maximumAgeSeconds: number;
  /** Agents whose messages stay, by id. */
  readonly heldAgents: readonly string[];
  /** Agents with this tag are held too. */
  readonly holdTag: string;
  /** Counts what would be deleted, and deletes nothing. */
  readonly dryRun: boolean;
}

/** Where the database is and how it is reached. */
export interface RetentionTarget {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** PEM text of the authorities that the server's certificate is verified against. */
  readonly ca: string;
  /** Asked before every connection, because IAM tokens last 15 minutes. */
  readonly password: () => Promise<string>;
}

/** Bounds of one run. */
export interface RetentionLimits {
  /** No batch is begun after it, in milliseconds since 1970. */
  readonly until: number;
  /** Most messages of a transaction. @default 1000 */
  readonly batch?: number;
  /** Most milliseconds of a statement. @default 20 seconds */
  readonly statementMs?: number;
  /** Pause before a lost connection is opened anew. @default 2 seconds */
  readonly pauseMs?: number;
}

/** What was done for one agent; no contents. */
export interface AgentRecord {
  readonly event: 'retention.agent';
  readonly agent: string;
  readonly cutOff: string;
  readonly dryRun: boolean;
  readonly held: boolean;
  /** Messages deleted, or that would be in a dry run. */
  readonly messages: number;
  /** Why more is left than what must stay: PostgreSQL's code. */
  readonly leftBy?: string;
}

/** What a run did; no contents. */
export interface RunRecord {
  readonly event: 'retention.run';
  readonly cutOff: string;
  readonly dryRun: boolean;
  readonly agents: number;
  readonly heldAgents: number;
  readonly messages: number;
  /** Batches of which nobody knows whether they were deleted, since the connection broke: `messages` may lack them. */
  readonly unknownBatches: number;
  /** Agents that were left before their time, since a statement ran out of time. */
  readonly agentsLeft: number;
  /** Whether every agent was looked at; if not, the next run goes on with what is left. */
  readonly complete: boolean;
}

const AGENTS_AT_ONCE = 200;
const LEAST_BATCH = 10;
const MOST_RECONNECTIONS = 5;
const STATEMENT_TIMEOUT = '57014';
const LOCK_TIMEOUT = '55P03';

/**
 * Deletes messages that are older than the policy, agent by agent, oldest first, in transactions of their own: whatever a run
 * doesn't get to, the next one does. Each agent's count is told as soon as it is known, and the run's at its end.
 *
 * @param audit is told of each agent and of the run
 * @throws when the database is not reached; what was deleted until then has been told
 */
export async function runRetention(
  policy: RetentionPolicy,
  target: RetentionTarget,
  limits: RetentionLimits,
  audit: (record: AgentRecord | RunRecord) => void,
): Promise<RunRecord> {
  const session = new Session(target, limits);
  const count = { agents: 0, heldAgents: 0, messages: 0, agentsLeft: 0 };
  let cutOff = '';
  let complete = false;
  try {
    const [first] = (await session.query(cutOffStatement(policy.maximumAgeSeconds))).rows;
    cutOff = String(first.cut_off);
    const scope: RetentionScope = { cutOff, heldAgents: policy.heldAgents, holdTag: policy.holdTag };
    for (let after = ''; !complete && session.hasTime();) {
      const { rows } = await session.query(agentsStatement(scope, after, AGENTS_AT_ONCE));
      for (const { id, held } of rows) {
        if (!session.hasTime()) break;
        const tally: Tally = { messages: 0 };
        try {
          if (!held) await takeFrom(session, scope, id, policy.dryRun, limits.batch ?? 1000, tally);
        } finally {
          audit({ event: 'retention.agent', agent: id, cutOff, dryRun: policy.dryRun, held, ...tally });
          count.agents += 1;
          count.heldAgents += held ? 1 : 0;
          count.agentsLeft += tally.leftBy ? 1 : 0;
          count.messages += tally.messages;
        }
        after = id;
      }
      complete = rows.length < AGENTS_AT_ONCE && (rows.length === 0 || after === rows[rows.length - 1].id);
    }
    // The last agent may have been given up for want of time.
    complete &&= session.hasTime();
  } finally {
    await session.end();
    audit(record());
  }
  return record();

  function record(): RunRecord {
    const { unknownBatches } = session;
    return { event: 'retention.run', cutOff, dryRun: policy.dryRun, ...count, unknownBatches, complete };
  }
}

interface Tally {
  messages: number;
  leftBy?: string;
}

async function takeFrom(
  session: Session,
  scope: RetentionScope,
  agent: string,
  dryRun: boolean,
  most: number,
  tally: Tally,
): Promise<void> {
  for (let batch = most; session.hasTime();) {
    try {
      if (dryRun) {
        tally.messages = Number((await session.query(countStatement(scope, agent))).rows[0].count);
        return;
      }
      const deleted = (await session.query(deleteStatement(scope, agent, batch), true)).rowCount ?? 0;
      tally.messages += deleted;
      if (deleted < batch) return;
    } catch (error) {
      const code = codeOf(error);
      if (code !== STATEMENT_TIMEOUT && code !== LOCK_TIMEOUT) throw error;
      if (dryRun || batch <= LEAST_BATCH) {
        tally.leftBy = code;
        return;
      }
      batch = Math.max(LEAST_BATCH, Math.floor(batch / 4));
    }
  }
}

/** A connection that is opened anew when it breaks. */
class Session {
  unknownBatches = 0;
  private client?: Client;
  private reconnections = 0;

  constructor(
    private readonly target: RetentionTarget,
    private readonly limits: RetentionLimits,
  ) {}

  hasTime(): boolean {
    return Date.now() < this.limits.until;
  }

  /** @param deletes whether a broken connection leaves open what was done; it may be said again all the same */
  async query({ text, values }: Statement, deletes = false): Promise<QueryResult> {
    for (;;) {
      let sent = false;
      try {
        this.client ??= await this.connect();
        sent = true;
        return await this.client.query(text, [...values]);
      } catch (error) {
        if (!isLost(error)) throw error;
        if (deletes && sent) this.unknownBatches += 1;
        await this.end();
        if (++this.reconnections > MOST_RECONNECTIONS || !this.hasTime()) throw this.described(error);
        await sleep(this.limits.pauseMs ?? 2_000);
      }
    }
  }

  async end(): Promise<void> {
    const { client } = this;
    this.client = undefined;
    await client?.end().catch(() => undefined);
  }

  private async connect(): Promise<Client> {
    const { host, port, database, user, ca } = this.target;
    const statementMs = this.limits.statementMs ?? 20_000;
    const client = new Client({
      host,
      port,
      database,
      user,
      password: await this.target.password(),
      // Node checks the chain against these authorities alone, and the host name: libpq's verify-full.
      ssl: { ca, rejectUnauthorized: true },
      application_name: 'cdk-letta retention',
      connectionTimeoutMillis: 10_000,
      statement_timeout: statementMs,
      lock_timeout: Math.min(2_000, statementMs),
      // For a server that has gone without a word.
      query_timeout: statementMs + 5_000,
    });
    // A connection that breaks also fails the statement that is running.
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    return client;
  }

  private described(error: unknown): Error {
    const { host, port, database } = this.target;
    const reason = error instanceof Error ? error.message || error.name : String(error);
    return new Error(
      `retention on database ${database} on ${host}:${port} lost its connection ${this.reconnections} times: ${reason}; what was ` +
        'deleted is told in the log, and the next run goes on',
      { cause: error },
    );
  }
}

const LOST = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENOTFOUND', 'EAI_AGAIN'],
  ...['57P01', '57P02', '57P03', '53300', '08006'],
]);

function isLost(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== undefined) return LOST.has(code);
  return (
    error instanceof Error && /^(timeout expired|Connection terminated|Query read timeout|Client )/.test(error.message)
  );
}

function codeOf(error: unknown): string | undefined {
  return (error as { code?: string } | undefined)?.code;
}
