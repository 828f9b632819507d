import { Arn, ArnFormat, Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { IBedrockGuardrail } from './bedrock-guardrail';
import { BedrockModel } from './bedrock-model';
import { GEOGRAPHY_REGIONS, GLOBAL } from './private/bedrock-geography';
import { lacksTools } from './private/converse-models';
import { UNSCOPABLE_ACTIONS } from './private/unscopable-actions';

/** Properties of `BedrockAccess`. */
export interface BedrockAccessProps {
  /** Chat models, the default one first. They must know tools, because Letta's agents work by them. */
  readonly models: BedrockModel[];

  /** Embedding models, the default one first. */
  readonly embeddings: BedrockModel[];

  /**
   * Guardrail that every chat call must carry: AWS refuses one without it. Embedding calls cannot carry one.
   *
   * @default - none
   */
  readonly guardrail?: IBedrockGuardrail;
}

const CHAT_ACTIONS = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];
const EMBEDDING_ACTIONS = ['bedrock:InvokeModel'];

/**
 * Turns a list of models into exact permissions: who is granted may call these models, and nothing else of Bedrock.
 *
 * A cross-region profile is allowed together with its foundation model in the regions of its geography, and that model
 * only on the way through the profile. A profile in a region it cannot be called from is an error at synth when the
 * region is known, and otherwise when CloudFormation validates the template, before it makes anything.
 *
 * @throws if a list is empty, a model is listed twice or stands in the wrong list, a chat model knows no tools or
 *   is not known at all, or a profile cannot be called from the stack's region
 */
export class BedrockAccess extends Construct {
  /** Chat models, the default one first. */
  public readonly chatModels: BedrockModel[];
  /** Embedding models, the default one first. */
  public readonly embeddingModels: BedrockModel[];
  /** Guardrail of every chat call. */
  public readonly guardrail?: IBedrockGuardrail;

  /** Region by geography: a literal, or a look-up that fails in a region the geography's profiles do not serve. */
  private readonly sourceRegions = new Map<string, string>();

  public constructor(scope: Construct, id: string, props: BedrockAccessProps) {
    super(scope, id);
    this.chatModels = [...props.models];
    this.embeddingModels = [...props.embeddings];
    this.guardrail = props.guardrail;

    const path = this.node.path;
    requireModels(path, 'models', this.chatModels, 'BedrockModel.US_CLAUDE_SONNET_4_5');
    requireModels(path, 'embeddings', this.embeddingModels, 'BedrockModel.TITAN_EMBED_TEXT_V2');
    this.chatModels.forEach((model) => requireChatModel(path, model));
    this.embeddingModels.forEach((model) => requireEmbeddingModel(path, model));
    for (const model of [...this.chatModels, ...this.embeddingModels]) this.checkRegion(model);
  }

  /**
   * Allows a principal to call the models, list the profiles and, with a guardrail, apply it.
   *
   * A principal that may call these models by another policy too is not held to the guardrail: IAM adds up what is
   * allowed.
   *
   * @param grantee a role, a task, a function, an EC2 instance …
   */
  public grantInvoke(grantee: iam.IGrantable): iam.Grant {
    const guardrail = this.guardrail && { 'bedrock:GuardrailIdentifier': guardrailWithVersion(this.guardrail) };
    const grants = [
      ...this.chatModels.flatMap((model) => this.grantModel(grantee, model, guardrail)),
      ...this.embeddingModels.flatMap((model) => this.grantModel(grantee, model)),
      iam.Grant.addToPrincipal({
        grantee,
        actions: [UNSCOPABLE_ACTIONS.LIST_INFERENCE_PROFILES],
        resourceArns: ['*'],
      }),
    ];
    if (this.guardrail) {
      const resourceArns = [this.guardrail.guardrailArn];
      grants.push(iam.Grant.addToPrincipal({ grantee, actions: ['bedrock:ApplyGuardrail'], resourceArns }));
    }
    return grants.reduce((all, grant) => all.combine(grant));
  }

  private grantModel(grantee: iam.IGrantable, model: BedrockModel, conditions?: Record<string, string>): iam.Grant[] {
    const grant = (resourceArns: string[], condition?: Record<string, string>): iam.Grant =>
      iam.Grant.addToPrincipal({
        grantee,
        actions: model.isEmbedding ? EMBEDDING_ACTIONS : CHAT_ACTIONS,
        resourceArns,
        conditions: condition && { StringEquals: condition },
      });
    if (!model.geography) return [grant([this.foundationModelArn(model, this.region)], conditions)];
    const profile = this.profileArn(model);
    return [
      grant([profile], conditions),
      grant(this.routedModelArns(model), { ...conditions, 'bedrock:InferenceProfileArn': profile }),
    ];
  }

  private profileArn(model: BedrockModel): string {
    return Arn.format({
      partition: Aws.PARTITION,
      service: 'bedrock',
      region: this.sourceRegions.get(model.id)!,
      account: Stack.of(this).account,
      resource: 'inference-profile',
      resourceName: model.id,
    });
  }

  /**
   * A global profile is authorized in the region of the call and under an ARN without a region, wherever it routes to;
   * any other one in each region it may route to.
   */
  private routedModelArns(model: BedrockModel): string[] {
    const regions = model.geography === GLOBAL ? [this.region, ''] : model.regions!;
    return regions.map((region) => this.foundationModelArn(model, region));
  }

  private foundationModelArn(model: BedrockModel, region: string): string {
    return Arn.format({
      partition: Aws.PARTITION,
      service: 'bedrock',
      region,
      account: '',
      resource: 'foundation-model',
      resourceName: model.foundationModelId,
      arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
    });
  }

  private get region(): string {
    return Stack.of(this).region;
  }

  private checkRegion(model: BedrockModel): void {
    if (!model.geography) return;
    if (Token.isUnresolved(this.region)) {
      this.sourceRegions.set(model.id, this.lookUpRegion(model));
      return;
    }
    if (!model.regions!.includes(this.region)) {
      throw new Error(
        `${this.node.path}: the inference profile '${model.id}' cannot be called from the stack's region ` +
          `'${this.region}', wanted one of ${model.regions!.join(', ')}: choose the profile of another geography, or ` +
          "give the profile's regions if AWS has added this one",
      );
    }
    this.sourceRegions.set(model.id, this.region);
  }

  /** A mapping that has only the right regions: CloudFormation refuses the template in any other one. */
  private lookUpRegion(model: BedrockModel): string {
    const id = mappingId(model);
    const mapping =
      (this.node.tryFindChild(id) as CfnMapping | undefined) ??
      new CfnMapping(this, id, {
        mapping: Object.fromEntries([...model.regions!].sort().map((region) => [region, { region }])),
      });
    return mapping.findInMap(Aws.REGION, 'region');
  }
}

/** Profiles of one geography share a mapping, unless a model came with regions of its own. */
function mappingId(model: BedrockModel): string {
  const shared = model.regions!.join() === GEOGRAPHY_REGIONS[model.geography!]?.join();
  return `Regions${(shared ? model.geography! : model.id).replace(/[^A-Za-z0-9]/g, '')}`;
}

/** The condition key holds the ARN with its version, and without one for the draft. */
function guardrailWithVersion({ guardrailArn, guardrailVersion }: IBedrockGuardrail): string {
  return guardrailVersion === 'DRAFT' ? guardrailArn : `${guardrailArn}:${guardrailVersion}`;
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
