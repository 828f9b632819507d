/**
 * What `cdk destroy` leaves of the rehearsal's stack, by type: docs/deployment-order.md says why. A change here is a change
 * of what users are left with.
 */
export const STAYS: Record<string, number> = {
  'AWS::Backup::BackupVault': 1,
  'AWS::Bedrock::GuardrailVersion': 1,
  'AWS::EC2::SecurityGroup': 1,
  'AWS::EC2::Subnet': 2,
  'AWS::EC2::VPC': 1,
  'AWS::IAM::Role': 1,
  'AWS::KMS::Key': 1,
  'AWS::Logs::LogGroup': 6,
  'AWS::RDS::DBInstance': 1,
  'AWS::RDS::DBParameterGroup': 1,
  'AWS::RDS::DBSubnetGroup': 1,
  'AWS::S3::Bucket': 1,
  // Stays with the VPC, and stands for no resource of AWS.
  'Custom::VpcRestrictDefaultSG': 1,
};
