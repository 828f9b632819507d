import { Arn, ArnFormat, Aws, CfnMapping, Stack, Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { AwsCall } from './aws-client';
import { AwsService } from './aws-service';
import { IBedrockGuardrail } from './bedrock-guardrail';
import { BedrockModel } from './bedrock-model';
import {
  guardrailVersions,
  requireAllowedRegions,
  requireOffered,
  requireUsableModels,
} from './private/bedrock-checks';
import { GLOBAL, hasRegionsOfItsGeography } from './private/bedrock-geography';
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

  /**
   * Versions of the guardrail that chat calls may carry beside its own: those that running tasks still carry while a
   * deployment moves to another one. A role's policy changes before the tasks that use it are replaced, so without the
   * old version here their chat calls are refused until then.
   *
   * @default - none: the guardrail's own version only
   */
  readonly guardrailVersionsInUse?: string[];

  /**
   * Regions that models may run in, as far as the organization's service control policies allow. AWS refuses a call to a
   * profile when one region that it may route to is denied ("Supported Regions and models for inference profiles",
   * Amazon Bedrock User Guide), so such a profile is an error at synth. Take a geographic profile rather than a
   * `global.` one, which may route to every commercial region.
   *
   * @default - any region
   */
  readonly regions?: string[];

  /**
   * VPC whose endpoints the calls must come through (`aws:SourceVpc`): the role's credentials then call no model
   * elsewhere. Only for a VPC with interface endpoints of `bedrock` and `bedrock-runtime` that have private DNS. Applies
   * to every principal that is granted the models.
   *
   * What a profile routes to is not bound to it, because in the other regions it is Bedrock that calls.
   *
   * @default - from anywhere
   */
  readonly sourceVpc?: ec2.IVpc;
}

type Condition = Record<string, string | string[]>;

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
 *   is not known at all, a profile cannot be called from the stack's region, the region is known not to have a model, a model
 *   can be called by profiles only, or one may run in a region that `regions` leaves out
 */
export class BedrockAccess extends Construct {
  /** Chat models, the default one first. */
  public readonly chatModels: BedrockModel[];
  /** Embedding models, the default one first. */
  public readonly embeddingModels: BedrockModel[];
  /** Guardrail of every chat call. */
  public readonly guardrail?: IBedrockGuardrail;

  private readonly guardrailVersions: string[];
  private readonly sourceVpc?: ec2.IVpc;
  /** Region by geography: a literal, or a look-up that fails in a region the geography's profiles do not serve. */
  private readonly sourceRegions = new Map<string, string>();

  public constructor(scope: Construct, id: string, props: BedrockAccessProps) {
    super(scope, id);
    this.chatModels = [...props.models];
    this.embeddingModels = [...props.embeddings];
    this.guardrail = props.guardrail;

    this.sourceVpc = props.sourceVpc;

    const path = this.node.path;
    requireUsableModels(path, this.chatModels, this.embeddingModels);
    this.guardrailVersions = guardrailVersions(path, props.guardrail, props.guardrailVersionsInUse);
    const models = [...this.chatModels, ...this.embeddingModels];
    for (const model of models) this.checkRegion(model);
    if (props.regions) requireAllowedRegions(path, models, props.regions, this.region);
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
    const guardrail = this.guardrail && { 'bedrock:GuardrailIdentifier': this.guardrailIdentifiers(this.guardrail) };
    const grants = [
      ...this.chatModels.flatMap((model) => this.grantModel(grantee, model, guardrail)),
      ...this.embeddingModels.flatMap((model) => this.grantModel(grantee, model)),
      iam.Grant.addToPrincipal({
        grantee,
        actions: [UNSCOPABLE_ACTIONS.LIST_INFERENCE_PROFILES],
        resourceArns: ['*'],
        conditions: this.fromVpc && { StringEquals: this.fromVpc },
      }),
    ];
    if (this.guardrail) {
      const resourceArns = [this.guardrail.guardrailArn];
      grants.push(iam.Grant.addToPrincipal({ grantee, actions: ['bedrock:ApplyGuardrail'], resourceArns }));
    }
    if (this.guardrail?.encryptionKey) {
      // "Create a customer managed key for your guardrail", Amazon Bedrock User Guide: its callers decrypt it.
      const resourceArns = [this.guardrail.encryptionKey.keyArn];
      grants.push(iam.Grant.addToPrincipal({ grantee, actions: ['kms:Decrypt'], resourceArns }));
    }
    return grants.reduce((all, grant) => all.combine(grant));
  }

  /** The calls that `grantInvoke` allows, for the endpoints of a VPC from which they are made. */
  public get awsCalls(): AwsCall[] {
    const service = AwsService.BEDROCK_RUNTIME;
    const chat = this.chatModels.flatMap((model) => this.callsOf(model, CHAT_ACTIONS));
    const embeddings = this.embeddingModels.flatMap((model) => this.callsOf(model, EMBEDDING_ACTIONS));
    const list = {
      service: AwsService.BEDROCK,
      actions: [UNSCOPABLE_ACTIONS.LIST_INFERENCE_PROFILES],
      resources: ['*'],
    };
    if (!this.guardrail) return [list, ...chat, ...embeddings];
    const apply = { service, actions: ['bedrock:ApplyGuardrail'], resources: [this.guardrail.guardrailArn] };
    return [list, ...chat, ...embeddings, apply];
  }

  /** Without the look-up of the region, whose mapping stands in this stack and perhaps not in that of the endpoints. */
  private callsOf(model: BedrockModel, actions: string[]): AwsCall[] {
    const service = AwsService.BEDROCK_RUNTIME;
    const resources = model.geography
      ? [this.profileArn(model, this.region), ...this.routedModelArns(model)]
      : [this.foundationModelArn(model, this.region)];
    // A geography's profile has the caller's account in its ARN, and yet AWS made it.
    return [{ service, actions, resources, awsOwned: true }];
  }

  private grantModel(grantee: iam.IGrantable, model: BedrockModel, guardrail?: Condition): iam.Grant[] {
    const called = this.fromVpc || guardrail ? { ...this.fromVpc, ...guardrail } : undefined;
    const grant = (resourceArns: string[], condition?: Condition): iam.Grant =>
      iam.Grant.addToPrincipal({
        grantee,
        actions: model.isEmbedding ? EMBEDDING_ACTIONS : CHAT_ACTIONS,
        resourceArns,
        conditions: condition && { StringEquals: condition },
      });
    if (!model.geography) return [grant([this.foundationModelArn(model, this.region)], called)];
    const profile = this.profileArn(model, this.sourceRegions.get(model.id)!);
    return [
      grant([profile], called),
      grant(this.routedModelArns(model), { ...guardrail, 'bedrock:InferenceProfileArn': profile }),
    ];
  }

  /** Condition of a call that comes from the VPC itself. */
  private get fromVpc(): Condition | undefined {
    return this.sourceVpc && { 'aws:SourceVpc': this.sourceVpc.vpcId };
  }

  /** The condition key holds the ARN with its version, and without one for the draft. */
  private guardrailIdentifiers({ guardrailArn }: IBedrockGuardrail): string | string[] {
    const identifiers = this.guardrailVersions.map((version) =>
      version === 'DRAFT' ? guardrailArn : `${guardrailArn}:${version}`,
    );
    return identifiers.length === 1 ? identifiers[0] : identifiers;
  }

  private profileArn(model: BedrockModel, region: string): string {
    return Arn.format({
      partition: Aws.PARTITION,
      service: 'bedrock',
      region,
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
    requireOffered(this.node.path, model, this.region);
    if (!model.geography) return;
    if (Token.isUnresolved(this.region)) {
      this.sourceRegions.set(model.id, this.lookUpRegion(model));
      return;
    }
    if (!model.regions!.includes(this.region)) {
      throw new Error(
        `${this.node.path}: the inference profile '${model.id}' cannot be called from the stack's region ` +
          `'${this.region}', wanted one of ${model.regions!.join(', ')}: give models (or embeddings) of ` +
          "another geography, or the profile's regions if AWS has added this one",
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
  return `Regions${(hasRegionsOfItsGeography(model) ? model.geography! : model.id).replace(/[^A-Za-z0-9]/g, '')}`;
}
