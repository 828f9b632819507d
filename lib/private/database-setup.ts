import { CustomResource, Duration, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct, IDependable } from 'constructs';
import {
  DatabaseRole,
  RETENTION_ROLE,
  RetentionRoleProperties,
  SetupProperties,
  SetupVariable,
} from '../../runtime/contract';
import { AwsCall, IAwsClient } from '../aws-client';
import { AwsService } from '../aws-service';
import { closedSecurityGroup } from './closed-security-group';
import { ProviderFunction } from './provider-function';

/** Raise it when the statements of the set-up function change: the next deployment then runs it again. */
const REVISION = '2';
/** The same for the statements of the retention's role. */
const RETENTION_REVISION = '1';
const SCHEMA = 'letta';

export interface DatabaseSetupProps {
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets: ec2.SubnetSelection;
  /** Where the database is; as a property of the set-up, so that its look-up stands in the template. */
  readonly region: string;
  readonly host: string;
  readonly port: number;
  readonly databaseName: string;
  readonly databaseSecurityGroup: ec2.ISecurityGroup;
  readonly masterSecret: secretsmanager.ISecret;
  /** VPC whose endpoint the master secret must be read through. */
  readonly sourceVpc?: ec2.IVpc;
  /** Key of the master secret and of the logs. */
  readonly encryptionKey?: kms.IKey;
  readonly logRetention: logs.RetentionDays;
}

/**
 * Makes what Letta needs inside a new database: the `vector` extension, the schema, and the two roles that log in by
 * IAM. It is the only thing that ever uses the master user.
 */
export class DatabaseSetup extends Construct implements IAwsClient {
  readonly connections: ec2.Connections;
  readonly awsCalls: AwsCall[];
  private readonly resource: CustomResource;
  private readonly step: ProviderFunction;

  constructor(scope: Construct, id: string, props: DatabaseSetupProps) {
    super(scope, id);

    const securityGroup = closedSecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'Set-up function of the Letta database',
    });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup] });
    this.awsCalls = [
      {
        service: AwsService.SECRETS_MANAGER,
        actions: ['secretsmanager:GetSecretValue'],
        resources: [props.masterSecret.secretArn],
      },
    ];
    const database = new ec2.Connections({ securityGroups: [props.databaseSecurityGroup] });
    this.connections.allowTo(database, ec2.Port.tcp(props.port), 'set-up of the Letta database');

    const step = (this.step = new ProviderFunction(this, 'Step', {
      bundle: 'database-setup',
      description: 'Makes the extension, the schema and the roles of the Letta database',
      // Its own retries while the database wakes take up to five minutes.
      timeout: Duration.minutes(10),
      environment: {
        [SetupVariable.HOST]: props.host,
        [SetupVariable.PORT]: `${props.port}`,
        [SetupVariable.NAME]: props.databaseName,
        [SetupVariable.MASTER_SECRET]: props.masterSecret.secretArn,
      },
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroup,
      logRetention: props.logRetention,
      encryptionKey: props.encryptionKey,
    }));
    this.allowMasterSecret(step.role, props);

    const properties: SetupProperties = {
      schema: SCHEMA,
      migratorRole: DatabaseRole.MIGRATOR,
      runtimeRole: DatabaseRole.RUNTIME,
      revision: REVISION,
    };
    this.resource = step.run('Resource', 'Custom::LettaDatabaseSetup', { ...properties, region: props.region });
    this.resource.node.addDependency(securityGroup, props.databaseSecurityGroup);
  }

  /** The set-up runs after these: whatever lets its function reach Secrets Manager. */
  startsAfter(...dependencies: IDependable[]): void {
    this.resource.node.addDependency(...dependencies);
  }

  /** Makes the role of the retention, after Letta's tables. */
  retentionRole(scope: Construct, id: string): CustomResource {
    const properties: RetentionRoleProperties = {
      schema: SCHEMA,
      migratorRole: DatabaseRole.MIGRATOR,
      retentionRole: RETENTION_ROLE,
      revision: RETENTION_REVISION,
    };
    const resource = new CustomResource(scope, id, {
      serviceToken: this.step.provider.serviceToken,
      resourceType: 'Custom::LettaRetentionRole',
      properties: { ...properties },
    });
    resource.node.addDependency(this.resource);
    return resource;
  }

  private allowMasterSecret(role: iam.Role, props: DatabaseSetupProps): void {
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['secretsmanager:GetSecretValue'],
        resources: [props.masterSecret.secretArn],
        conditions: props.sourceVpc && { StringEquals: { 'aws:SourceVpc': props.sourceVpc.vpcId } },
      }),
    );
    if (!props.encryptionKey) return;
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['kms:Decrypt'],
        resources: [props.encryptionKey.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `secretsmanager.${Stack.of(this).region}.amazonaws.com` } },
      }),
    );
  }
}
