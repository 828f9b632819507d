import { LettaBedrockStack, LettaBedrockStackProps, LogDataProtection } from '../../lib';
import { asText, Template, testApp } from './support';

interface LogGroup {
  readonly DataProtectionPolicy?: {
    readonly Statement: { readonly DataIdentifier: unknown[]; readonly Operation: Record<string, unknown> }[];
    readonly Configuration: { readonly CustomDataIdentifier: { readonly Name: string; readonly Regex: string }[] };
  };
  readonly RetentionInDays?: number;
}

function logGroups(props: LettaBedrockStackProps = {}): [string, LogGroup][] {
  const stack = new LettaBedrockStack(testApp(), 'Letta', { http: true, ...props });
  return Object.entries(Template.fromStack(stack).findResources('AWS::Logs::LogGroup')).map(([id, { Properties }]) => [
    id,
    Properties,
  ]);
}

const protectedGroups = logGroups({ logDataProtection: LogDataProtection.credentialsAndPersonalData() }).filter(
  ([, { DataProtectionPolicy }]) => DataProtectionPolicy,
);

test('covers the logs of the tasks, of the migration and of the database', () => {
  expect(protectedGroups.map(([id]) => id).sort()).toEqual([
    expect.stringMatching(/^DatabaseLogGroup/),
    expect.stringMatching(/^DatabaseUpgradeLogGroup/),
    expect.stringMatching(/^ServiceMigrationTaskLogs/),
    expect.stringMatching(/^ServiceTaskLogs/),
  ]);
});

test('finds and hides the same things: an audit and a mask of one list', () => {
  for (const [, { DataProtectionPolicy }] of protectedGroups) {
    const [audit, mask] = DataProtectionPolicy!.Statement;
    expect([Object.keys(audit.Operation), Object.keys(mask.Operation)]).toEqual([['Audit'], ['Deidentify']]);
    expect(mask.DataIdentifier).toEqual(audit.DataIdentifier);
    const named = mask.DataIdentifier.map(asText).join();
    for (const kind of ['AwsSecretKey', 'EmailAddress', 'CreditCardNumber', 'Ssn-US']) expect(named).toContain(kind);
    expect(named).not.toMatch(/data-identifier\/(Name|IpAddress)\b/);
  }
});

test('hides passwords as clients send them, and signatures of logins by IAM', () => {
  const [[, { DataProtectionPolicy }]] = protectedGroups;
  const patterns = DataProtectionPolicy!.Configuration.CustomDataIdentifier.map(({ Regex }) => new RegExp(Regex));
  const hidden = (line: string): boolean => patterns.some((pattern) => pattern.test(line));
  expect(hidden(`{"authorization":"Bearer ${'a1B2'.repeat(12)}"}`)).toBe(true);
  expect(hidden(`&X-Amz-SignedHeaders=host&X-Amz-Signature=${'0f'.repeat(32)}`)).toBe(true);
  expect(hidden('{"event":"request","status":200,"route":"/v1/agents"}')).toBe(false);
});

test('is nothing that is paid for unasked', () => {
  expect(logGroups().filter(([, { DataProtectionPolicy }]) => DataProtectionPolicy)).toEqual([]);
});

test('every log group is kept for a time that is said', () => {
  const groups = logGroups();
  expect(groups.length).toBeGreaterThan(6);
  for (const [id, { RetentionInDays }] of groups) expect([id, RetentionInDays]).toEqual([id, 90]);
});
