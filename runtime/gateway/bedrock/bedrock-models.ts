import { BedrockClient, InferenceProfileSummary, paginateListInferenceProfiles } from '@aws-sdk/client-bedrock';
import { ChatFormat, ChatModel } from '../../contract';
import { describeError, Log } from '../log';

/** The part of an inference profile's summary that goes to Letta. */
export type ListedModel = Partial<InferenceProfileSummary>;

/** Profiles come and go by hand: a new one may take this long to be offered. */
const CACHE_MS = 5 * 60_000;
/** After a failure or an empty list; Letta and the readiness view may ask more often than AWS should be asked. */
const RETRY_MS = 15_000;

/**
 * The allowed chat models that the account really has, by AWS's own list of profiles. Once read, a list stays in use for
 * as long as AWS fails to give a new one.
 */
export class ChatModelList {
  /** As AWS said last; unset until it has said anything. */
  private listed?: readonly Entry[];
  private failure?: unknown;
  private askAgainAt = -Infinity;
  private pending?: Promise<void>;

  constructor(
    private readonly allowed: readonly ChatModel[],
    private readonly listProfiles: () => Promise<readonly InferenceProfileSummary[]>,
    private readonly region: string,
    private readonly log: Log,
    private readonly now = Date.now,
  ) {}

  /** How Letta sees the models of one format. @throws what AWS answered, if it never gave a list. */
  async list(format: ChatFormat): Promise<readonly ListedModel[]> {
    return (await this.current()).filter(({ model }) => model.format === format).map(({ listed }) => listed);
  }

  /** Ids of the models of one format, in the order they are configured. @throws as `list`. */
  async offered(format: ChatFormat): Promise<readonly string[]> {
    return (await this.current()).filter(({ model }) => model.format === format).map(({ model }) => model.id);
  }

  /** @throws what AWS answered, if it never gave a list; why, if it is empty */
  async required(): Promise<void> {
    await this.current();
    const empty = this.empty();
    if (empty !== undefined) throw new Error(`${empty}: enable access to them, or name others in the prop models`);
  }

  /** How many models of all formats are offered, as far as is known; no call is made. */
  get count(): number {
    return this.listed?.length ?? 0;
  }

  /** Why nothing can be offered, from memory. */
  empty(): string | undefined {
    if (this.listed === undefined) return 'the list of chat models could not be read since the start';
    if (this.listed.length === 0) return 'the account has none of the allowed chat models';
    return undefined;
  }

  /** Why the list is empty or may be out of date, from memory. */
  problem(): string | undefined {
    return this.empty() ?? (this.failure === undefined ? undefined : 'the list of chat models can no longer be read');
  }

  private async current(): Promise<readonly Entry[]> {
    if (this.now() >= this.askAgainAt) await (this.pending ??= this.ask().finally(() => (this.pending = undefined)));
    if (this.listed === undefined) throw this.failure;
    return this.listed;
  }

  private async ask(): Promise<void> {
    try {
      const { entries, missing, notSpoken } = selectModels(this.allowed, await this.listProfiles(), this.region);
      if (missing.length > 0) this.log.error('chat-models-not-in-this-account', { missing });
      if (notSpoken.length > 0) this.log.error('chat-models-not-claude', { notSpoken });
      if (entries.length === 0) this.log.error('no-chat-models', { allowed: this.allowed.map(({ id }) => id) });
      this.listed = entries;
      this.failure = undefined;
      // Access to models is often granted a moment after the first deployment.
      this.askAgainAt = this.now() + (entries.length > 0 ? CACHE_MS : RETRY_MS);
    } catch (error) {
      this.log.error('list-inference-profiles-failed', { reason: describeError(error) });
      this.failure = error;
      // Without any list each asker tries: Letta asks once at its start and lives with what it gets.
      if (this.listed !== undefined) this.askAgainAt = this.now() + RETRY_MS;
    }
  }
}

interface Entry {
  readonly model: ChatModel;
  readonly listed: ListedModel;
}

/** All pages: Letta itself reads one page only. */
export async function listInferenceProfiles(client: BedrockClient): Promise<InferenceProfileSummary[]> {
  const profiles: InferenceProfileSummary[] = [];
  for await (const page of paginateListInferenceProfiles({ client, pageSize: 100 }, {})) {
    profiles.push(...(page.inferenceProfileSummaries ?? []));
  }
  return profiles;
}

/** The allowed models in the order they are configured; a foundation model is no profile, so its entry is made here. */
export function selectModels(
  allowed: readonly ChatModel[],
  profiles: readonly InferenceProfileSummary[],
  region: string,
): { entries: Entry[]; missing: string[]; notSpoken: string[] } {
  const entries: Entry[] = [];
  const missing: string[] = [];
  const notSpoken: string[] = [];
  for (const model of allowed) {
    const { id } = model;
    const profile = profiles.find(
      ({ inferenceProfileId, inferenceProfileArn }) => inferenceProfileId === id || inferenceProfileArn === id,
    );
    if (!profile && !isFoundationModel(id)) missing.push(id);
    else if (profile && model.format === 'anthropic' && !isClaude(profile)) notSpoken.push(id);
    // Letta makes the handle of this id and sends it back: it must be the one that is configured.
    else
      entries.push({
        model,
        listed: profile ? { ...profile, inferenceProfileId: id } : foundationModelEntry(id, region),
      });
  }
  return { entries, missing, notSpoken };
}

/** An application profile does not show by its id which model is behind it; Letta would speak Anthropic's format to any. */
function isClaude({ models = [] }: InferenceProfileSummary): boolean {
  return models.every(({ modelArn = '' }) => modelArn.includes(':foundation-model/anthropic.'));
}

/** A profile's id is a foundation model's with a geography in front: `us.anthropic.claude…`, `anthropic.claude…`. */
export function isFoundationModel(id: string): boolean {
  return !id.startsWith('arn:') && !/^[a-z-]+\.(ai21|[a-z]+)\.[a-z]/.test(id);
}

function foundationModelEntry(id: string, region: string): ListedModel {
  const partition = region.startsWith('cn-') ? 'aws-cn' : region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
  const modelArn = `arn:${partition}:bedrock:${region}::foundation-model/${id}`;
  return {
    inferenceProfileId: id,
    inferenceProfileArn: modelArn,
    inferenceProfileName: id,
    models: [{ modelArn }],
    status: 'ACTIVE',
    type: 'SYSTEM_DEFINED',
  };
}
