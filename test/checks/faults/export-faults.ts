import { Properties } from '../../../lib/checks/template';
import { InjectedFault } from './fault';

const ofExport = (_resource: unknown, id: string): boolean => id.startsWith('Export');

const container = (properties: Properties): Properties => properties.ContainerDefinitions[0];

/** The tasks that export and restore agents are Letta's, and so is their bucket. */
export const EXPORT_FAULTS: InjectedFault[] = [
  {
    rule: 'public-bucket',
    name: 'the bucket of the exports may become public',
    of: 'exporting',
    inject: (mutant) => {
      mutant.properties('AWS::S3::Bucket', ofExport).PublicAccessBlockConfiguration.BlockPublicAcls = false;
    },
  },
  {
    rule: 'bucket-for-everybody',
    name: 'everybody may read the exports',
    of: 'exporting',
    inject: (mutant) =>
      mutant
        .properties('AWS::S3::BucketPolicy', ofExport)
        .PolicyDocument.Statement.push({ Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: '*' }),
  },
  {
    rule: 'runs-as-root',
    name: 'the export runs as root',
    of: 'exporting',
    inject: (mutant) => {
      container(mutant.properties('AWS::ECS::TaskDefinition', ofExport)).User = 'root';
    },
  },
  {
    rule: 'wildcard-resource',
    name: 'the export may write every bucket',
    of: 'exporting',
    inject: (mutant) => {
      const isWrite = ({ Properties }: Properties): boolean => /"s3:PutObject"/.test(JSON.stringify(Properties));
      mutant
        .properties('AWS::IAM::Policy', (policy, id) => ofExport(policy, id) && isWrite(policy))
        .PolicyDocument.Statement.push({ Effect: 'Allow', Action: 's3:PutObject', Resource: '*' });
    },
  },
  {
    rule: 'task-role-reads-other-secret',
    name: 'the export may read a secret that it is not told of',
    of: 'exporting',
    inject: (mutant) => {
      const isRead = ({ Properties }: Properties): boolean => /"secretsmanager:/.test(JSON.stringify(Properties));
      mutant
        .properties('AWS::IAM::Policy', (policy, id) => ofExport(policy, id) && isRead(policy))
        .PolicyDocument.Statement.push({
          Effect: 'Allow',
          Action: 'secretsmanager:GetSecretValue',
          Resource: 'arn:aws:secretsmanager:us-east-1:111122223333:secret:other-AbCdEf',
        });
    },
  },
];
