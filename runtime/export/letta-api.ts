import http from 'node:http';
import { rootCertificates } from 'node:tls';
import { isObject } from '../gateway/foreign-json';
import { HttpAnswer, httpCall, keptConnections } from './http-call';
import { RetryOptions, withRetries } from './retry';
import { wholeList } from './whole-list';

/** A page of passages with their vectors of 4,096 numbers is the largest. */
const LARGEST_ANSWER = 64 * 1024 * 1024;
/** Letta writes and embeds a whole agent file in one call. */
const IDLE_TIMEOUT = 300_000;
const AGENTS_A_PAGE = 25;
const PASSAGES_A_PAGE = 50;
const AGENT_ID = /^agent-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The service's answer was none of those wanted. Its text may hold what an agent said, so only a gateway's refusal is told. */
export class ApiError extends Error {
  constructor(
    what: string,
    readonly status: number,
    detail = '',
  ) {
    super(`${what} answered ${status}${detail && `: ${detail}`}`);
  }
}

export interface Block {
  readonly id: string;
  readonly label: string;
}

export interface Agent {
  readonly id: string;
  readonly tags: readonly string[];
}

/** What a passage is, without its vector: that is made anew. */
export interface Passage {
  readonly text: string;
  readonly tags: readonly string[];
  readonly created_at?: string;
  readonly metadata?: object;
}

/** A passage that is there, and where further ones of its agent go. */
export interface AddedPassage {
  readonly id: string;
  readonly archive: string;
  /** Whether the archive has an embedding model. */
  readonly embedded: boolean;
}

export interface LettaApiOptions {
  readonly url: string;
  readonly password: string;
  /** PEM text of further authorities. */
  readonly ca?: string;
  readonly retry?: Pick<RetryOptions, 'attempts' | 'firstDelay'>;
}

/** The routes of the service that an export and a restore need. */
export class LettaApi {
  private readonly agent: http.Agent;

  constructor(private readonly options: LettaApiOptions) {
    const ca = [...rootCertificates, ...(options.ca === undefined ? [] : [options.ca])];
    this.agent = keptConnections(new URL(options.url).protocol, ca);
  }

  async version(): Promise<string> {
    const health = await this.json('GET', '/v1/health/');
    if (!isObject(health) || typeof health.version !== 'string') throw new Error('GET /v1/health/ names no version');
    return health.version;
  }

  /** All agents, or those with a tag. */
  async *agents(tag?: string): AsyncGenerator<Agent> {
    const only = tag === undefined ? '' : `&tags=${encodeURIComponent(tag)}`;
    const path = `/v1/agents/?show_hidden_agents=true&include=agent.tags${only}&`;
    for await (const { id, tags } of this.list('agents', path, AGENTS_A_PAGE, 'order=asc', 'order=desc')) {
      if (!AGENT_ID.test(id)) throw new Error('GET /v1/agents/ names an agent that has no id');
      // Tags tell what an earlier restore has done: without them it would look as if it had done nothing.
      if (!Array.isArray(tags)) throw new Error(`GET /v1/agents/ does not tell the tags of ${id}`);
      yield { id, tags: stringsOf(tags) };
    }
  }

  async exists(agent: string): Promise<boolean> {
    const path = `/v1/agents/${agent}`;
    const { status } = await this.call('GET', path, { repeatable: true });
    if (status !== 200 && status !== 404) throw new ApiError('GET an agent', status);
    return status === 200;
  }

  /** The agent file as the service made it. */
  async exportAgent(agent: string): Promise<Buffer> {
    return (await this.ok('GET', `/v1/agents/${agent}/export`, { repeatable: true })).body;
  }

  async blocks(agent: string): Promise<Block[]> {
    const blocks = await this.json('GET', `/v1/agents/${agent}/core-memory/blocks?limit=1000`);
    return (blocks as Block[]).map(({ id, label }) => ({ id, label }));
  }

  async *passages(agent: string): AsyncGenerator<Passage> {
    const path = `/v1/agents/${agent}/archival-memory?`;
    const list = this.list('passages', path, PASSAGES_A_PAGE, 'ascending=true', 'ascending=false');
    for await (const { text, tags, created_at, metadata } of list) {
      yield {
        text: String(text),
        tags: stringsOf(tags),
        ...(typeof created_at === 'string' && { created_at }),
        ...(isObject(metadata) && Object.keys(metadata).length > 0 && { metadata }),
      };
    }
  }

  /** Adds a passage without its metadata, and makes the agent's archive if it has none. */
  async addPassage(agent: string, { text, tags, created_at }: Passage): Promise<AddedPassage> {
    const path = `/v1/agents/${agent}/archival-memory`;
    const { body } = await this.ok('POST', path, { repeatable: false }, { text, tags, created_at });
    const [added] = JSON.parse(body.toString('utf8')) as Record<string, unknown>[];
    if (typeof added?.id !== 'string' || typeof added.archive_id !== 'string') {
      throw new Error(`POST ${path} does not tell the archive of the passage`);
    }
    return { id: added.id, archive: added.archive_id, embedded: isObject(added.embedding_config) };
  }

  /**
   * Letta 0.16.8 takes many only for an archive with an embedding model. It writes them in one transaction, and then the
   * tags of each: who gets no answer doesn't know what is there.
   */
  async addPassages(archive: string, passages: readonly Passage[]): Promise<void> {
    const path = `/v1/archives/${archive}/passages/batch`;
    const { body } = await this.ok('POST', path, { repeatable: false }, { passages });
    const added = (JSON.parse(body.toString('utf8')) as unknown[]).length;
    if (added !== passages.length) throw new Error(`POST ${path} added ${added} of ${passages.length} passages`);
  }

  async addUnembeddedPassage(archive: string, passage: Passage): Promise<void> {
    await this.ok('POST', `/v1/archives/${archive}/passages`, { repeatable: false }, passage);
  }

  async removePassage({ archive, id }: AddedPassage): Promise<void> {
    await this.remove(`/v1/archives/${archive}/passages/${id}`);
  }

  /** @throws ApiError where the service's `agentImport` is closed. A form without a file imports nothing. */
  async requireImport(): Promise<void> {
    const answer = await this.form(new FormData());
    if (![400, 422].includes(answer.status)) throw refusal('POST /v1/agents/import', answer);
  }

  /** @returns ids of the agents that are there now */
  async importAgent(file: string): Promise<string[]> {
    const form = new FormData();
    form.set('file', new Blob([file], { type: 'application/json' }), 'agent.af');
    form.set('append_copy_suffix', 'false');
    const answer = await this.form(form);
    if (answer.status !== 200) throw refusal('POST /v1/agents/import', answer);
    return (JSON.parse(answer.body.toString('utf8')) as { agent_ids: string[] }).agent_ids;
  }

  async setTags(agent: string, tags: readonly string[]): Promise<void> {
    await this.ok('PATCH', `/v1/agents/${agent}`, { repeatable: true }, { tags });
  }

  /** Puts another block in the place of one of the agent's own, which is deleted. */
  async shareBlock(agent: string, own: string, shared: string): Promise<void> {
    await this.ok('PATCH', `/v1/agents/${agent}/core-memory/blocks/detach/${own}`, { repeatable: true });
    await this.ok('PATCH', `/v1/agents/${agent}/core-memory/blocks/attach/${shared}`, { repeatable: true });
    await this.remove(`/v1/blocks/${own}`);
  }

  /**
   * Deletes an agent, and its blocks and archives that no other agent has: Letta would leave them, with what is in them.
   * The archive goes first: whoever is stopped in between finds the agent again.
   */
  async removeAgent(agent: string): Promise<void> {
    for (const { id } of (await this.json('GET', `/v1/archives/?agent_id=${agent}`)) as { id: string }[]) {
      if ((await this.users(`/v1/archives/${id}`)) <= 1) await this.remove(`/v1/archives/${id}`);
    }
    const blocks = await this.blocks(agent);
    await this.remove(`/v1/agents/${agent}`);
    for (const { id } of blocks) {
      if ((await this.users(`/v1/blocks/${id}`)) === 0) await this.remove(`/v1/blocks/${id}`);
    }
  }

  /** How many agents have it, counted up to 2. */
  private async users(path: string): Promise<number> {
    return ((await this.json('GET', `${path}/agents?limit=2`)) as unknown[]).length;
  }

  private list(
    name: string,
    path: string,
    pageSize: number,
    firstOnTop: string,
    lastOnTop: string,
  ): AsyncGenerator<Record<string, unknown> & { id: string }> {
    const get = async (query: string) => {
      const objects = await this.json('GET', path + query);
      if (!Array.isArray(objects) || !objects.every((object) => isObject(object) && typeof object.id === 'string')) {
        throw new Error(`the list of ${name} holds one that has no id`);
      }
      return objects as (Record<string, unknown> & { id: string })[];
    };
    return wholeList({
      name,
      pageSize,
      page: (after) =>
        get(`${firstOnTop}&limit=${pageSize}${after === undefined ? '' : `&after=${encodeURIComponent(after)}`}`),
      last: async () => (await get(`${lastOnTop}&limit=1`)).at(0),
    });
  }

  private async remove(path: string): Promise<void> {
    const { status } = await this.call('DELETE', path, { repeatable: true });
    if (status !== 404 && status >= 300) throw new ApiError(`DELETE ${path}`, status);
  }

  private async json(method: string, path: string): Promise<unknown> {
    return JSON.parse((await this.ok(method, path, { repeatable: true })).body.toString('utf8'));
  }

  private async ok(method: string, path: string, retry: RetryOptions, body?: object): Promise<HttpAnswer> {
    const answer = await this.call(method, path, retry, body);
    if (answer.status !== 200) throw refusal(`${method} ${path.split('?')[0]}`, answer);
    return answer;
  }

  private call(method: string, path: string, retry: RetryOptions, body?: object): Promise<HttpAnswer> {
    const content = body && { 'content-type': 'application/json' };
    return this.send(method, path, retry, content, body && Buffer.from(JSON.stringify(body)));
  }

  private async form(form: FormData): Promise<HttpAnswer> {
    const encoded = new Response(form);
    const headers = { 'content-type': encoded.headers.get('content-type') ?? '' };
    return this.send(
      'POST',
      '/v1/agents/import',
      { repeatable: false },
      headers,
      Buffer.from(await encoded.arrayBuffer()),
    );
  }

  private send(
    method: string,
    path: string,
    retry: RetryOptions,
    headers?: Record<string, string>,
    body?: Buffer,
  ): Promise<HttpAnswer> {
    const { url, password } = this.options;
    const request = {
      method,
      url: new URL(path, url),
      headers: { ...headers, authorization: `Bearer ${password}` },
      body,
      maximum: LARGEST_ANSWER,
      idleTimeout: IDLE_TIMEOUT,
      agent: this.agent,
    };
    return withRetries(() => httpCall(request), { ...this.options.retry, ...retry });
  }
}

function refusal(what: string, { status, body }: HttpAnswer): ApiError {
  if (status === 401) return new ApiError(what, status, 'the API password is not that of the secret');
  if (status !== 403) return new ApiError(what, status);
  try {
    return new ApiError(what, status, String((JSON.parse(body.toString('utf8')) as { detail: unknown }).detail));
  } catch {
    return new ApiError(what, status);
  }
}

function stringsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
