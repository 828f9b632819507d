import { Arn, ArnFormat, IResource, Resource, Stack, Token } from 'aws-cdk-lib';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { GUARDRAIL_VERSION } from '../runtime/contract';

/** A guardrail of Amazon Bedrock, in one version. */
export interface IBedrockGuardrail extends IResource {
  /**
   * ARN without a version.
   *
   * @attribute
   */
  readonly guardrailArn: string;
  /**
   * Id without a version.
   *
   * @attribute
   */
  readonly guardrailId: string;
  /**
   * Number of the version as text, or `DRAFT`.
   *
   * @attribute
   */
  readonly guardrailVersion: string;
  /** Key that the guardrail is encrypted with, which its callers must be able to use; none with AWS's own. */
  readonly encryptionKey?: kms.IKey;
}

/** What identifies a guardrail made elsewhere. */
export interface BedrockGuardrailAttributes {
  /** ARN without a version, e.g. `CfnGuardrail.attrGuardrailArn`. */
  readonly guardrailArn: string;
  /** Number of the version as text, e.g. `CfnGuardrailVersion.attrVersion`, or `DRAFT`. */
  readonly guardrailVersion: string;

  /**
   * Key that the guardrail is encrypted with.
   *
   * @default - AWS's own
   */
  readonly encryptionKey?: kms.IKey;
}

/** Guardrails made by an account's own stacks. */
export abstract class BedrockGuardrail extends Resource implements IBedrockGuardrail {
  /**
   * Refers to a guardrail by its ARN and version.
   *
   * @throws if the ARN or the version is known and malformed
   */
  public static fromGuardrailAttributes(
    scope: Construct,
    id: string,
    attributes: BedrockGuardrailAttributes,
  ): IBedrockGuardrail {
    const { guardrailArn, guardrailVersion } = attributes;
    if (
      !Token.isUnresolved(guardrailArn) &&
      !/^arn:[^:]+:bedrock:[^:]+:\d{12}:guardrail\/[a-z0-9]+$/.test(guardrailArn)
    ) {
      throw new Error(
        `${id}: guardrailArn '${guardrailArn}' is not a guardrail's ARN, wanted ` +
          'arn:aws:bedrock:REGION:ACCOUNT:guardrail/ID without a version: give the version as guardrailVersion',
      );
    }
    if (!Token.isUnresolved(guardrailVersion) && !GUARDRAIL_VERSION.test(guardrailVersion)) {
      throw new Error(
        `${id}: guardrailVersion '${guardrailVersion}' is not a version, wanted a number from 1 or DRAFT: ` +
          '`aws bedrock list-guardrails` shows the versions',
      );
    }
    class Import extends BedrockGuardrail {
      public readonly guardrailArn = guardrailArn;
      public readonly guardrailVersion = guardrailVersion;
      public readonly encryptionKey = attributes.encryptionKey;
      public readonly guardrailId = Token.isUnresolved(guardrailArn)
        ? Arn.extractResourceName(guardrailArn, 'guardrail')
        : Stack.of(scope).splitArn(guardrailArn, ArnFormat.SLASH_RESOURCE_NAME).resourceName!;
    }
    return new Import(scope, id);
  }

  public abstract readonly guardrailArn: string;
  public abstract readonly guardrailId: string;
  public abstract readonly guardrailVersion: string;
  public abstract readonly encryptionKey?: kms.IKey;
}
