import { Token } from 'aws-cdk-lib';
import { GUARDRAIL_VERSION } from '../../runtime/contract';
import { IBedrockGuardrail } from '../bedrock-guardrail';
import { BedrockModel } from '../bedrock-model';
import { GLOBAL, hasRegionsOfItsGeography } from './bedrock-geography';
import { lacksTools } from './converse-models';
import { foundationModelRegions, isJudged, lacksBedrock } from './foundation-model-regions';
import { knownDestinations } from './profile-routes';

/**
 * Models that AWS offers by inference profiles only: a call of the bare model id is refused ("on-demand throughput isn't
 * supported"). Families that some region offers without a profile are not among them.
 *
 * Source: "Supported foundation models in Amazon Bedrock", Amazon Bedrock User Guide. State: 2026-11.
 */
const PROFILE_ONLY = [
  /^anthropic\.claude-(sonnet|opus)-4-20250514-/,
  /^anthropic\.claude-opus-4-1-/,
  /^amazon\.nova-premier-/,
  /^meta\.llama4-/,
];

/** Chat models and embedding models that Letta and the gateway can work with. @throws with the model and the fix */
export function requireUsableModels(path: string, chatModels: BedrockModel[], embeddingModels: BedrockModel[]): void {
  requireModels(path, 'models', chatModels, 'BedrockModel.US_CLAUDE_SONNET_4_5');
  requireModels(path, 'embeddings', embeddingModels, 'BedrockModel.TITAN_EMBED_TEXT_V2');
  chatModels.forEach((model) => requireChatModel(path, model));
  embeddingModels.forEach((model) => requireEmbeddingModel(path, model));
}

/**
 * Models may run only in regions that are allowed.
 *
 * @param region where the stack is, which may be known only at deployment
 * @throws with the model's id and the regions that are not
 */
export function requireAllowedRegions(path: string, models: BedrockModel[], allowed: string[], region: string): void {
  if (allowed.length === 0) {
    throw new Error(
      `${path}: regions is an empty list, wanted the regions that are allowed: name them or leave it out`,
    );
  }
  if (allowed.some((name) => Token.isUnresolved(name))) {
    throw new Error(
      `${path}: regions holds a region known only at deployment, wanted names, because profiles are checked against them ` +
        'at synth: write them out',
    );
  }
  for (const model of models) {
    const runsIn = destinationsOf(model, region);
    const outside = runsIn.filter((name) => !allowed.includes(name));
    if (outside.length > 0) throw new Error(`${path}: ${outsideMessage(model, outside, allowed)}`);
  }
}

/** Regions that came with the model are the user's word; those of its geography may be known more narrowly. */
function destinationsOf(model: BedrockModel, region: string): readonly string[] {
  const { id, geography, regions } = model;
  if (!geography || !regions) return Token.isUnresolved(region) ? [] : [region];
  return (hasRegionsOfItsGeography(model) && !Token.isUnresolved(region) && knownDestinations(id, region)) || regions;
}

function outsideMessage({ id, geography }: BedrockModel, outside: string[], allowed: string[]): string {
  if (geography === undefined) {
    return (
      `'${id}' is called in the stack's region '${outside[0]}', which regions does not name, wanted one of ` +
      `${allowed.join(', ')}: deploy there, or take a profile that routes there only`
    );
  }
  const fix =
    geography === GLOBAL
      ? 'take the profile of a geography'
      : 'take the profile of another geography, or say where this one routes, as `aws bedrock get-inference-profile` ' +
        `lists it, by BedrockModel.inferenceProfile('${id}', { regions })`;
  return (
    `the inference profile '${id}' may route to ${outside.join(', ')}, wanted only ${allowed.join(', ')}, because AWS ` +
    `refuses its calls where one of its regions is denied: ${fix}, or add them to regions`
  );
}

/**
 * A model must be there in the stack's region, as far as it is known: a region that AWS's table has no column for passes,
 * and so does one known only at deployment.
 *
 * @throws with the model's id, the region and the regions that have it
 */
export function requireOffered(path: string, { id, geography, offeredIn }: BedrockModel, region: string): void {
  if (Token.isUnresolved(region)) return;
  if (lacksBedrock(region)) {
    throw new Error(
      `${path}: '${id}' is called in the stack's region '${region}', which has no Amazon Bedrock, wanted a region that has: ` +
        'deploy elsewhere',
    );
  }
  if (geography || !offeredIn || offeredIn.includes(region)) return;
  const ofTable = offeredIn.join() === foundationModelRegions(id)?.join();
  if (ofTable && !isJudged(region)) return;
  throw new Error(
    `${path}: the stack's region '${region}' does not have the model '${id}', wanted one of ${offeredIn.join(', ')}: ` +
      `take another model or a profile of it, deploy there, or say that the region has it since, { regions: ['${region}'] } of ` +
      `BedrockModel.foundation('${id}', …) or BedrockModel.embedding('${id}', …)`,
  );
}

/** Versions of the guardrail that calls may carry, its own first. @throws for versions without a guardrail, or malformed ones */
export function guardrailVersions(path: string, guardrail?: IBedrockGuardrail, inUse: string[] = []): string[] {
  if (!guardrail) {
    if (inUse.length === 0) return [];
    throw new Error(
      `${path}: guardrailVersionsInUse has no effect without a guardrail, wanted both or neither: give guardrail, or ` +
        'leave guardrailVersionsInUse out',
    );
  }
  for (const version of inUse) {
    if (Token.isUnresolved(version) || GUARDRAIL_VERSION.test(version)) continue;
    throw new Error(
      `${path}: guardrailVersionsInUse holds '${version}', wanted numbers from 1 or DRAFT: ` +
        '`aws bedrock list-guardrails --guardrail-identifier ID` shows the versions',
    );
  }
  return [...new Set([guardrail.guardrailVersion, ...inUse])];
}

function requireModels(path: string, prop: string, models: BedrockModel[], example: string): void {
  if (models.length === 0) {
    throw new Error(`${path}: ${prop} is an empty list, wanted at least one model: add for example ${example}`);
  }
  for (const model of models) {
    if (typeof model?.id === 'string' && model.handle !== undefined) continue;
    throw new Error(
      `${path}: ${prop} holds ${typeof model === 'string' ? `the text '${String(model)}'` : String(model)}, wanted models: give for ` +
        `example ${example}, or BedrockModel.inferenceProfile(id)`,
    );
  }
  const twice = models.find((model, index) => models.findIndex((other) => other.id === model.id) !== index);
  if (twice) throw new Error(`${path}: ${prop} names '${twice.id}' twice, wanted each model once: leave one out`);
}

function requireChatModel(path: string, model: BedrockModel): void {
  if (!model.geography && PROFILE_ONLY.some((pattern) => pattern.test(model.foundationModelId))) {
    throw new Error(
      `${path}: models holds '${model.id}', which AWS calls by inference profiles only, wanted one of them: use ` +
        `BedrockModel.inferenceProfile('us.${model.id}') or that of your geography`,
    );
  }
  if (model.isEmbedding) {
    throw new Error(
      `${path}: models holds the embedding model '${model.id}', wanted chat models: put it in embeddings instead`,
    );
  }
  if (lacksTools(model.foundationModelId)) {
    throw new Error(
      `${path}: models holds '${model.id}', which knows no tools, wanted models that do, because Letta's agents remember ` +
        'and answer by tools: use for example BedrockModel.US_NOVA_PRO',
    );
  }
  if (model.chatFormat === 'converse' && model.contextLength === undefined) {
    throw new Error(
      `${path}: models holds '${model.id}', which this release does not know: mend the id, or say how many tokens its ` +
        `context holds by ${model.geography ? 'BedrockModel.inferenceProfile' : 'BedrockModel.foundation'}('${model.id}', { contextLength })`,
    );
  }
}

function requireEmbeddingModel(path: string, model: BedrockModel): void {
  if (model.format) return;
  throw new Error(
    model.isEmbedding
      ? `${path}: embeddings holds '${model.id}', wanted Titan Text Embeddings v1 or v2 or Cohere Embed v3 or v4, the ` +
          'ones whose formats the gateway speaks: use for example BedrockModel.TITAN_EMBED_TEXT_V2'
      : `${path}: embeddings holds the chat model '${model.id}', wanted embedding models: put it in models instead`,
  );
}
