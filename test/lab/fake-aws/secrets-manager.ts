import { AwsError, type FakeService, jsonOperation, type SignedCall, unknownOperation } from './service';

interface GetSecretValue {
  readonly SecretId: string;
  readonly VersionStage?: string;
}

/** Secrets Manager: values of the account's secrets, with the stages that a rotation uses. */
export class FakeSecretsManager implements FakeService {
  readonly host = 'secretsmanager';
  readonly signingName = 'secretsmanager';
  private readonly secrets = new Map<string, string[]>();

  /** Gives a secret a new value; the one before becomes AWSPREVIOUS. */
  put(secretArn: string, value: string): void {
    this.secrets.set(secretArn, [value, ...(this.secrets.get(secretArn) ?? [])].slice(0, 2));
  }

  /** The value a secret has now. */
  current(secretArn: string): string {
    const value = this.secrets.get(secretArn)?.[0];
    if (value === undefined) throw new Error(`secret ${secretArn} has no value yet`);
    return value;
  }

  /** All values there are. */
  values(): string[] {
    return [...this.secrets.values()].flat();
  }

  async handle(call: SignedCall): Promise<void> {
    const { name, input } = jsonOperation<GetSecretValue>(call.request);
    if (name !== 'GetSecretValue') throw unknownOperation('Secrets Manager', name);
    call.authorize({
      action: 'secretsmanager:GetSecretValue',
      resource: input.SecretId,
      context: { 'secretsmanager:VersionStage': input.VersionStage ?? 'AWSCURRENT' },
    });
    const stage = input.VersionStage ?? 'AWSCURRENT';
    const value = this.secrets.get(input.SecretId)?.[stage === 'AWSPREVIOUS' ? 1 : 0];
    if (value === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${stage}`,
      );
    }
    call.json({
      ARN: input.SecretId,
      Name: input.SecretId.split(':').at(-1),
      SecretString: value,
      VersionId: '00000000-0000-0000-0000-00000000000' + (stage === 'AWSPREVIOUS' ? '0' : '1'),
      VersionStages: [stage],
      CreatedDate: Math.floor(Date.now() / 1000),
    });
  }
}
