import * as crypto from 'node:crypto';
import { Names, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as bedrock from 'aws-cdk-lib/aws-bedrock';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { BedrockGuardrail } from './bedrock-guardrail';
import { GuardrailPii, GuardrailStrength, GuardrailTopic } from './guardrail-filters';
import { requireKeyPolicy, requireUsableKey, stateKeyPolicy } from './private/encryption-key';
import { validateGuardrail } from './private/guardrail-validation';

/** Properties of a `Guardrail`. */
export interface GuardrailProps {
  /**
   * Filter of hate.
   *
   * @default GuardrailStrength.HIGH
   */
  readonly hate?: GuardrailStrength;

  /**
   * Filter of insults.
   *
   * @default GuardrailStrength.HIGH
   */
  readonly insults?: GuardrailStrength;

  /**
   * Filter of sexual content.
   *
   * @default GuardrailStrength.HIGH
   */
  readonly sexual?: GuardrailStrength;

  /**
   * Filter of violence.
   *
   * @default GuardrailStrength.HIGH
   */
  readonly violence?: GuardrailStrength;

  /**
   * Filter of misconduct: crime, fraud, harm to oneself.
   *
   * @default GuardrailStrength.HIGH
   */
  readonly misconduct?: GuardrailStrength;

  /**
   * Filter of jailbreaks and injected instructions, in what is said to the model. It works for the models that are called
   * by Converse: all but Claude. Calls of Claude are `InvokeModel`, where AWS applies it to tagged parts of the prompt
   * only, and Letta tags none ("Detect prompt attacks", Amazon Bedrock User Guide).
   *
   * @default GuardrailStrength.HIGH
   */
  readonly promptAttack?: GuardrailStrength;

  /**
   * Whether AWS's list of swear words is stopped.
   *
   * @default false
   */
  readonly profanity?: boolean;

  /**
   * Words and phrases that are stopped: up to 10,000 of up to 100 characters.
   *
   * @default - none
   */
  readonly blockedWords?: string[];

  /**
   * Topics that are stopped, up to 30.
   *
   * @default - none
   */
  readonly deniedTopics?: GuardrailTopic[];

  /**
   * What stops a message or an answer that holds it.
   *
   * @default - passwords, PINs, keys of AWS, numbers and security codes of payment cards
   */
  readonly blockedPii?: GuardrailPii[];

  /**
   * What is replaced by its kind, such as `{US_SOCIAL_SECURITY_NUMBER}`. An agent then cannot remember it either, so names
   * and addresses are not among the default ones.
   *
   * @default - bank accounts, passports, tax, social security and health numbers
   */
  readonly anonymizedPii?: GuardrailPii[];

  /**
   * What is answered instead of a message that is stopped, 1 to 500 characters.
   *
   * @default - that the message cannot be processed
   */
  readonly blockedInputMessage?: string;

  /**
   * What is answered instead of an answer that is stopped, 1 to 500 characters.
   *
   * @default - that the answer cannot be shown
   */
  readonly blockedOutputMessage?: string;

  /**
   * Key that encrypts the guardrail. Whoever may call models through `BedrockAccess` with it may decrypt by this key.
   *
   * @default - AWS's own
   */
  readonly encryptionKey?: kms.IKey;

  /**
   * States that the policy of an imported `encryptionKey` allows what is needed: it leaves the use of the key to IAM and lets
   * CloudWatch Logs use it. Without it such a key is an error at synth, which gives the statements. A key that the app
   * makes is given them.
   *
   * @default false
   */
  readonly encryptionKeyAllowsUse?: boolean;

  /**
   * What becomes of the guardrail when it leaves the stack. Its versions always stay with it until it goes: running tasks,
   * and roll-backs, call with the version of their time.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}

const BLOCKED_PII = [
  GuardrailPii.PASSWORD,
  GuardrailPii.PIN,
  GuardrailPii.AWS_ACCESS_KEY,
  GuardrailPii.AWS_SECRET_KEY,
  GuardrailPii.CREDIT_DEBIT_CARD_NUMBER,
  GuardrailPii.CREDIT_DEBIT_CARD_CVV,
];

const ANONYMIZED_PII = [
  GuardrailPii.INTERNATIONAL_BANK_ACCOUNT_NUMBER,
  GuardrailPii.US_BANK_ACCOUNT_NUMBER,
  GuardrailPii.US_PASSPORT_NUMBER,
  GuardrailPii.US_SOCIAL_SECURITY_NUMBER,
  GuardrailPii.US_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER,
  GuardrailPii.UK_NATIONAL_INSURANCE_NUMBER,
  GuardrailPii.UK_NATIONAL_HEALTH_SERVICE_NUMBER,
  GuardrailPii.CA_SOCIAL_INSURANCE_NUMBER,
  GuardrailPii.CA_HEALTH_NUMBER,
];

/**
 * A guardrail of Amazon Bedrock, in the version that its properties describe.
 *
 * A change of the properties makes a new version, and the earlier ones stay, so that nothing that names one ever means
 * another. `BedrockAccess` demands this version of every chat call: give the number before in its `guardrailVersionsInUse`
 * when you change the guardrail of a service that runs.
 *
 * Make it in the stack that uses it: as a value between stacks, CloudFormation would refuse to change the version.
 *
 * @throws for a key that cannot be used, text that is too long, a kind of data that is both blocked and anonymized, or a guardrail that stops nothing
 */
export class Guardrail extends BedrockGuardrail {
  public readonly guardrailArn: string;
  public readonly guardrailId: string;
  public readonly guardrailVersion: string;
  public readonly encryptionKey?: kms.IKey;

  public constructor(scope: Construct, id: string, props: GuardrailProps = {}) {
    super(scope, id);
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    const blockedPii = props.blockedPii ?? BLOCKED_PII;
    const anonymizedPii =
      props.anonymizedPii ?? ANONYMIZED_PII.filter((kind) => !(props.blockedPii ?? []).includes(kind));
    validateGuardrail(this.node.path, { ...props, blockedPii, anonymizedPii });
    if (props.encryptionKey) {
      requireUsableKey(this, props.encryptionKey);
      requireKeyPolicy(this, props.encryptionKey);
    }
    this.encryptionKey = props.encryptionKey;

    const content: Omit<bedrock.CfnGuardrailProps, 'name'> = {
      blockedInputMessaging: props.blockedInputMessage ?? 'This message cannot be processed.',
      blockedOutputsMessaging: props.blockedOutputMessage ?? 'This answer cannot be shown.',
      contentPolicyConfig: contentPolicy(props),
      sensitiveInformationPolicyConfig: sensitiveInformation(blockedPii, anonymizedPii),
      topicPolicyConfig: topicPolicy(props.deniedTopics),
      wordPolicyConfig: wordPolicy(props),
    };
    const guardrail = new bedrock.CfnGuardrail(this, 'Resource', {
      ...content,
      name: Names.uniqueResourceName(this, { maxLength: 50, separator: '-' }),
      kmsKeyArn: props.encryptionKey?.keyArn,
    });
    guardrail.applyRemovalPolicy(props.removalPolicy ?? RemovalPolicy.DESTROY);
    this.guardrailArn = guardrail.attrGuardrailArn;
    this.guardrailId = guardrail.attrGuardrailId;
    this.guardrailVersion = this.versionOf(guardrail, content);
  }

  /** Named after its content, so that other content is another resource, and the one before is retained. */
  private versionOf(guardrail: bedrock.CfnGuardrail, content: object): string {
    const text = JSON.stringify(Stack.of(this).resolve(content));
    const fingerprint = crypto.createHash('sha256').update(text).digest('hex').slice(0, 16);
    const version = new bedrock.CfnGuardrailVersion(this, `Version${fingerprint}`, {
      guardrailIdentifier: guardrail.attrGuardrailId,
      description: `content ${fingerprint}`,
    });
    version.applyRemovalPolicy(RemovalPolicy.RETAIN);
    return version.attrVersion;
  }
}

function contentPolicy(props: GuardrailProps): bedrock.CfnGuardrail.ContentPolicyConfigProperty | undefined {
  const strength = (given?: GuardrailStrength): GuardrailStrength => given ?? GuardrailStrength.HIGH;
  const filters = [
    ...['HATE', 'INSULTS', 'SEXUAL', 'VIOLENCE', 'MISCONDUCT'].map((type) => {
      const both = strength(props[type.toLowerCase() as 'hate']);
      return { type, inputStrength: both, outputStrength: both };
    }),
    // An answer is no attack on a prompt: AWS refuses another strength than NONE there.
    { type: 'PROMPT_ATTACK', inputStrength: strength(props.promptAttack), outputStrength: GuardrailStrength.NONE },
  ].filter(({ inputStrength }) => inputStrength !== GuardrailStrength.NONE);
  return filters.length > 0 ? { filtersConfig: filters } : undefined;
}

function sensitiveInformation(
  blocked: GuardrailPii[],
  anonymized: GuardrailPii[],
): bedrock.CfnGuardrail.SensitiveInformationPolicyConfigProperty | undefined {
  const entities = [
    ...blocked.map((type) => ({ type, action: 'BLOCK' })),
    ...anonymized.map((type) => ({ type, action: 'ANONYMIZE' })),
  ];
  return entities.length > 0 ? { piiEntitiesConfig: entities } : undefined;
}

function topicPolicy(topics: GuardrailTopic[] = []): bedrock.CfnGuardrail.TopicPolicyConfigProperty | undefined {
  if (topics.length === 0) return undefined;
  return { topicsConfig: topics.map((topic) => ({ ...topic, type: 'DENY' })) };
}

function wordPolicy(props: GuardrailProps): bedrock.CfnGuardrail.WordPolicyConfigProperty | undefined {
  const { blockedWords = [], profanity = false } = props;
  if (blockedWords.length === 0 && !profanity) return undefined;
  return {
    wordsConfig: blockedWords.length > 0 ? blockedWords.map((text) => ({ text })) : undefined,
    managedWordListsConfig: profanity ? [{ type: 'PROFANITY' }] : undefined,
  };
}
