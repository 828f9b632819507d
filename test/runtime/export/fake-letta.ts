import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { LettaApi } from '../../../runtime/export/letta-api';

export interface FakePassage {
  id: string;
  text: string;
  tags: string[];
  created_at: string;
  metadata: object;
}

interface FakeAgent {
  id: string;
  name: string;
  tags: string[];
  blocks: string[];
  archive?: string;
  embedded: boolean;
}

type Answer = [status: number, body: unknown, headers?: http.OutgoingHttpHeaders];
type Fault = (method: string, path: string, body: string) => Answer | undefined | void;

/** The routes of Letta that an export and a restore call, with what Letta 0.16.8 does about ids that are gone. */
export class FakeLetta {
  readonly agents = new Map<string, FakeAgent>();
  readonly blocks = new Map<string, { id: string; label: string; value: string }>();
  readonly archives = new Map<string, FakePassage[]>();
  readonly calls: string[] = [];
  /** What happens before a call is answered; what it gives is answered instead. */
  fault: Fault = () => undefined;
  /** How many calls whose path has this end were open at once. */
  readonly mostAtOnce = new Map<string, number>();
  private readonly open = new Map<string, number>();
  private readonly server = http.createServer((request, response) => void this.handle(request, response));

  async start(): Promise<LettaApi> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    const url = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    return new LettaApi({ url, password: 'p', retry: { attempts: 3, firstDelay: 1 } });
  }

  stop(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  addBlock(label: string, value = label): string {
    const id = `block-${randomUUID()}`;
    this.blocks.set(id, { id, label, value });
    return id;
  }

  addAgent(
    name: string,
    { tags = [] as string[], blocks = [] as string[], passages = 0, embedded = true } = {},
  ): string {
    const agent: FakeAgent = { id: `agent-${randomUUID()}`, name, tags, blocks, embedded };
    this.agents.set(agent.id, agent);
    for (let at = 0; at < passages; at++) {
      this.add(this.archiveOf(agent), { text: `${name} ${at}`, tags: [], created_at: new Date(at).toISOString() });
    }
    return agent.id;
  }

  passages(agent: string): FakePassage[] {
    return this.archives.get(this.agents.get(agent)?.archive ?? '') ?? [];
  }

  private archiveOf(agent: FakeAgent): string {
    agent.archive ??= `archive-${randomUUID()}`;
    if (!this.archives.has(agent.archive)) this.archives.set(agent.archive, []);
    return agent.archive;
  }

  private add(archive: string, passage: Partial<FakePassage>): FakePassage {
    const { text = '', tags = [], created_at = '', metadata = {} } = passage;
    const added = { id: `passage-${randomUUID()}`, text, tags, created_at, metadata };
    this.archives.get(archive)!.push(added);
    return added;
  }

  private async handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [method, path] = [request.method!, request.url!];
    const body = Buffer.concat(chunks).toString();
    this.calls.push(`${method} ${path.split('?')[0]}`);
    const [end] = path.split('?')[0].split('/').slice(-1);
    this.count(end, 1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    const [status, answer, headers] = this.fault(method, path, body) ?? this.answer(method, path, body);
    this.count(end, -1);
    if (status === 0) return void response.destroy();
    response.writeHead(status, headers).end(JSON.stringify(answer));
  }

  private count(end: string, by: number): void {
    const now = (this.open.get(end) ?? 0) + by;
    this.open.set(end, now);
    this.mostAtOnce.set(end, Math.max(now, this.mostAtOnce.get(end) ?? 0));
  }

  private answer(method: string, target: string, body: string): Answer {
    const url = new URL(target, 'http://letta');
    const [, , kind, id, part, verb, action, other] = url.pathname.split('/');
    const json = () => JSON.parse(body) as Record<string, unknown>;
    if (kind === 'health') return [200, { version: '0.16.8' }];
    if (kind === 'agents' && id === 'import') return this.import(body);
    if (kind === 'agents' && id === '') return [200, this.listAgents(url.searchParams)];
    if (kind === 'archives' && id === '') {
      const archive = this.agents.get(url.searchParams.get('agent_id')!)?.archive;
      return [200, archive === undefined ? [] : [{ id: archive }]];
    }
    if (kind === 'blocks') {
      if (method === 'DELETE') return [this.blocks.delete(id) ? 200 : 404, {}];
      return [200, [...this.agents.values()].filter(({ blocks }) => blocks.includes(id))];
    }
    if (kind === 'archives') return this.archive(method, id, part, verb, json);
    const agent = this.agents.get(id);
    if (part === 'archival-memory' && method === 'GET') return [200, this.listPassages(id, url.searchParams)];
    if (!agent) return [404, {}];
    if (part === undefined && method === 'DELETE') return [this.agents.delete(id) ? 200 : 404, {}];
    if (part === undefined && method === 'PATCH') agent.tags = json().tags as string[];
    if (part === undefined) return [200, agent];
    if (part === 'export') {
      const blocks = agent.blocks.map((block) => this.blocks.get(block));
      return [200, { agents: [{ name: agent.name, tags: agent.tags, embedded: agent.embedded }], blocks }];
    }
    if (part === 'archival-memory') {
      const archive = this.archiveOf(agent);
      const added = this.add(archive, { ...(json() as Partial<FakePassage>), metadata: {} });
      return [200, [{ ...added, archive_id: archive, embedding_config: agent.embedded ? {} : null }]];
    }
    if (action === 'detach') agent.blocks = agent.blocks.filter((block) => block !== other);
    if (action === 'attach') agent.blocks.push(other);
    return [200, agent.blocks.map((block) => this.blocks.get(block))];
  }

  private archive(method: string, id: string, part: string, verb: string, json: () => object): Answer {
    if (part === 'agents') return [200, [...this.agents.values()].filter(({ archive }) => archive === id)];
    const passages = this.archives.get(id);
    if (!passages) return [404, {}];
    if (part === undefined) return [this.archives.delete(id) ? 204 : 404, {}];
    if (method === 'DELETE') {
      this.archives.set(
        id,
        passages.filter((passage) => passage.id !== verb),
      );
      return [204, {}];
    }
    if (verb !== 'batch') return [200, this.add(id, json())];
    // Letta 0.16.8: `archive.embedding_config.embedding_endpoint_type` of none.
    if ([...this.agents.values()].some(({ archive, embedded }) => archive === id && !embedded)) return [500, {}];
    return [200, (json() as { passages: FakePassage[] }).passages.map((passage) => this.add(id, passage))];
  }

  private import(body: string): Answer {
    const text = /\{"[^]*\}/.exec(body)?.[0];
    if (text === undefined) return [422, {}];
    const file = JSON.parse(text) as { agents: FakeAgent[]; blocks: { label: string; value: string }[] };
    const [{ name, tags, embedded }] = file.agents;
    const blocks = file.blocks.map(({ label, value }) => this.addBlock(label, value));
    return [200, { agent_ids: [this.addAgent(name, { tags, blocks, embedded })] }];
  }

  /** After an agent that is gone the list begins anew (`_apply_pagination_async`). */
  private listAgents(query: URLSearchParams): object[] {
    const tag = query.get('tags');
    const all = [...this.agents.values()].filter(({ tags }) => tag === null || tags.includes(tag));
    if (query.get('order') === 'desc') all.reverse();
    const after = all.findIndex(({ id }) => id === query.get('after'));
    return all.slice(after + 1, after + 1 + Number(query.get('limit')));
  }

  /** After a passage that is gone there is nothing (`build_agent_passage_query`), as there is of an agent that is gone. */
  private listPassages(agent: string, query: URLSearchParams): object[] {
    const all = [...this.passages(agent)];
    if (query.get('ascending') === 'false') all.reverse();
    const cursor = query.get('after');
    const after = all.findIndex(({ id }) => id === cursor);
    return cursor !== null && after < 0 ? [] : all.slice(after + 1, after + 1 + Number(query.get('limit')));
  }
}
