import { Names, Path } from './names';
import { Table, type Row } from './table';

/**
 * Credentials of a role used from outside the VPC whose endpoints they belong to. What is allowed is what AWS documents no
 * condition on the VPC for: applying the guardrail by itself, and decrypting by its key, of which a thief has no ciphertext.
 */
export function stolenCredentials(
  names: Names,
  declared: {
    profiles: string[];
    embedding: string;
    guardrail?: string;
    guardrailVersion?: number;
    guardrailKey?: string;
  },
): Row[] {
  const { deployment } = names;
  const elsewhere = { 'aws:SourceVpc': 'vpc-0fedcba9876543210' };
  const guardrail: Record<string, string> = declared.guardrail
    ? { 'bedrock:GuardrailIdentifier': `${declared.guardrail}:${declared.guardrailVersion ?? 3}` }
    : {};
  const chat = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];
  const task = (context: Record<string, string>, from: string): Row[] => {
    const table = new Table(deployment.role(Path.TASK), { from: 'internet' })
      .denies(`the profiles, ${from}`, chat, declared.profiles, { context: { ...context, ...guardrail } })
      .denies(`the embedding model, ${from}`, ['bedrock:InvokeModel'], [declared.embedding], { context })
      .denies(`the list of profiles, ${from}`, ['bedrock:ListInferenceProfiles'], ['*'], { context })
      .denies(`the API password, ${from}`, ['secretsmanager:GetSecretValue'], [names.apiPassword], { context });
    const { guardrail: own, guardrailKey } = declared;
    if (own) table.allows(`the guardrail by itself, ${from}`, ['bedrock:ApplyGuardrail'], [own], { context });
    if (guardrailKey) {
      const resourcePolicy = deployment.resourcePolicy('key', 'Key');
      table.allows(`the guardrail's key, ${from}`, ['kms:Decrypt'], [guardrailKey], { context, resourcePolicy });
    }
    return table.rows;
  };
  const setup = (context: Record<string, string>, from: string): Row[] =>
    new Table(deployment.role(Path.SETUP), { from: 'internet', context }).denies(
      `the master's secret, ${from}`,
      ['secretsmanager:GetSecretValue'],
      [names.masterSecret],
    ).rows;
  return [task, setup].flatMap((of) => [...of({}, 'over the internet'), ...of(elsewhere, 'from another VPC')]);
}
