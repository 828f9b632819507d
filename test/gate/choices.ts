/**
 * Findings of the rule packs about what is the deployer's to choose: nobody acknowledges them in their place, so a pack
 * reports them until the prop is given. By rule, without the pack's name.
 */
export const CHOICES: Record<string, string> = {
  ALBHttpToHttpsRedirection: 'certificate',
  ELBv2ACMCertificateRequired: 'certificate',
  ALBWAFEnabled: 'webAcl',
  CloudWatchLogGroupEncrypted: 'encryptionKey',
  S3DefaultEncryptionKMS: 'encryptionKey',
  SecretsManagerUsingKMSKey: 'encryptionKey',
  ELBDeletionProtectionEnabled: 'loadBalancerDeletionProtection',
};

/** Props that close a finding and that an app does not give. */
export const NOT_GIVEN: Record<string, string[]> = {
  'the default stack': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'an enterprise stack': ['loadBalancerDeletionProtection', 'webAcl'],
  'a stack with a code interpreter': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'a stack on Aurora': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'examples/custom-tools.ts': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'examples/ec2-instance.ts': ['encryptionKey'],
  'examples/existing-vpc.ts': ['encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'examples/production.ts': [],
  'examples/valkey-arm.ts': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
  'examples/whole-stack.ts': ['certificate', 'encryptionKey', 'loadBalancerDeletionProtection', 'webAcl'],
};
