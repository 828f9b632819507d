import { BedrockClient, InferenceProfileSummary, paginateListInferenceProfiles } from '@aws-sdk/client-bedrock';
import { ChatFormat, ChatModel } from '../contract';
import { describeError, Log } from './log';

/** The part of an inference profile's summary that goes to Letta. */
export type ListedModel = Partial<InferenceProfileSummary>;

const CACHE_MS = 5 * 60_000;

/** The allowed chat models as `ListInferenceProfiles` shows them, from AWS's own list of profiles. */
export class ChatModelList {
  private listed: readonly ListedModel[] = [];
  private listedAt = -Infinity;

  constructor(
    private readonly allowed: readonly ChatModel[],
    private readonly listProfiles: () => Promise<readonly InferenceProfileSummary[]>,
    private readonly region: string,
    private readonly log: Log,
    private readonly now = Date.now,
  ) {}

  /** Ids of the listed models of one format, in the order they are configured. */
  async offered(format: ChatFormat): Promise<readonly string[]> {
    const listed = new Set((await this.list()).map(({ inferenceProfileId }) => inferenceProfileId));
    return this.allowed.filter((model) => model.format === format && listed.has(model.id)).map(({ id }) => id);
  }

  /** @throws what AWS answered, if there is no list not older than five minutes. */
  async list(): Promise<readonly ListedModel[]> {
    if (this.now() - this.listedAt < CACHE_MS) return this.listed;
    try {
      const { models, missing } = selectModels(this.allowed, await this.listProfiles(), this.region);
      if (missing.length > 0) this.log.error('chat-models-not-in-this-account', { missing });
      if (models.length === 0) this.log.error('no-chat-models', { allowed: this.allowed.map(({ id }) => id) });
      // An empty list is not kept: Letta asks again, and by then access may have been granted.
      this.listedAt = models.length > 0 ? this.now() : -Infinity;
      this.listed = models;
      return models;
    } catch (error) {
      this.log.error('list-inference-profiles-failed', { reason: describeError(error) });
      throw error;
    }
  }
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
): { models: ListedModel[]; missing: string[] } {
  const models: ListedModel[] = [];
  const missing: string[] = [];
  for (const { id } of allowed) {
    const profile = profiles.find(
      ({ inferenceProfileId, inferenceProfileArn }) => inferenceProfileId === id || inferenceProfileArn === id,
    );
    // Letta makes the handle of this id and sends it back: it must be the one that is configured.
    if (profile) models.push({ ...profile, inferenceProfileId: id });
    else if (isFoundationModel(id)) models.push(foundationModelEntry(id, region));
    else missing.push(id);
  }
  return { models, missing };
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
