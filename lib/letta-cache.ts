import { ArnFormat, CfnResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as elasticache from 'aws-cdk-lib/aws-elasticache';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct, IConstruct } from 'constructs';
import { CacheEngine } from './cache-engine';
import { closedSecurityGroup } from './private/closed-security-group';
import { requireKeyPolicy, requireUsableKey, stateKeyPolicy } from './private/encryption-key';
import { isolatedPlacement } from './private/isolated-placement';
import { acknowledge, acknowledgeStandards } from './private/nag';
import { uniqueName } from './private/unique-name';
import { wholeNumber } from './private/whole-number';

const DEFAULT_PORT = 6379;

/**
 * What Letta asks of Redis (`letta/data_sources/redis_client.py`, 0.16.8, and redis-py): keys, sets, streams, locks by
 * script. Nothing that administers the server or that reads or empties it whole.
 */
const LETTA_ACCESS = 'on ~* &* +@all -@admin -@dangerous';

/** A Redis-compatible cache that Letta's gateway logs in to by IAM, over TLS. */
export interface ILettaCache extends IConstruct, ec2.IConnectable {
  /** Host name of the primary endpoint. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** Id of the replication group, which IAM tokens are signed for. */
  readonly replicationGroupId: string;
  /** Id of the user that logs in, equal to its name. */
  readonly userId: string;

  /** Lets a principal log in by IAM as this cache's user. */
  grantConnect(grantee: iam.IGrantable): iam.Grant;
}

/** A cache that exists already: TLS required, cluster mode off, a user with IAM authentication. */
export interface LettaCacheAttributes {
  /** Host name of the primary endpoint. */
  readonly host: string;

  /**
   * TCP port.
   *
   * @default 6379
   */
  readonly port?: number;

  /** Id of the replication group, which IAM tokens are signed for. */
  readonly replicationGroupId: string;

  /** Id of the user that logs in by IAM; ElastiCache asks that its name is the same. */
  readonly userId: string;

  /** Security group of the cache; clients are let in there. */
  readonly securityGroup: ec2.ISecurityGroup;
}

/** Properties of a `LettaCache`. */
export interface LettaCacheProps {
  /** The VPC of the cache. */
  readonly vpc: ec2.IVpc;

  /**
   * Subnets of the cache, in at least two availability zones with `multiAz`.
   *
   * @default - the isolated subnets of the VPC
   */
  readonly vpcSubnets?: ec2.SubnetSelection;

  /**
   * Engine. ElastiCache upgrades Redis OSS to Valkey in place, and never back; whether CloudFormation does so with this
   * construct's user and user group is unproven, so try the change on a cache that may be lost.
   *
   * @default CacheEngine.REDIS_7_1
   */
  readonly engine?: CacheEngine;

  /**
   * Node type, without `cache.`.
   *
   * @default t4g.small: 2 virtual CPUs, 1.37 GiB
   */
  readonly nodeType?: ec2.InstanceType;

  /**
   * Number of copies beside the primary node, 0 to 5.
   *
   * @default 1
   */
  readonly replicas?: number;

  /**
   * Whether the nodes stand in different availability zones and a copy takes over when the primary fails.
   *
   * @default true
   */
  readonly multiAz?: boolean;

  /**
   * Key of the data at rest. It cannot be changed later without a new cache.
   *
   * @default - ElastiCache's own key
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
   * How long daily snapshots are kept, 0 (none) to 35 days. Letta keeps nothing in the cache that outlives a run.
   *
   * @default Duration.days(1)
   */
  readonly snapshotRetention?: Duration;

  /**
   * What becomes of the cache when it leaves the stack. It holds streams and locks of current runs only.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;

  /**
   * TCP port.
   *
   * @default 6379
   */
  readonly port?: number;

  /**
   * Security group of the cache.
   *
   * @default - a new one, closed both ways
   */
  readonly securityGroup?: ec2.ISecurityGroup;
}

/**
 * ElastiCache for Letta: TLS required, encrypted at rest, one user that logs in by IAM, two nodes in two zones.
 *
 * A user group of Redis OSS must have a user named `default`, and the stock one needs no password: it is replaced by
 * one that is switched off. A user group of Valkey needs none.
 */
export class LettaCache extends Construct implements ILettaCache {
  /** Uses a cache that exists already. */
  static fromLettaCacheAttributes(scope: Construct, id: string, attrs: LettaCacheAttributes): ILettaCache {
    return new ImportedCache(scope, id, attrs);
  }

  readonly connections: ec2.Connections;
  readonly host: string;
  readonly port: number;
  readonly replicationGroupId: string;
  readonly userId: string;

  constructor(scope: Construct, id: string, props: LettaCacheProps) {
    super(scope, id);
    stateKeyPolicy(props.encryptionKey, props.encryptionKeyAllowsUse);
    if (props.encryptionKey) {
      requireUsableKey(this, props.encryptionKey);
      requireKeyPolicy(this, props.encryptionKey);
    }

    const { vpc } = props;
    const engine = props.engine ?? CacheEngine.REDIS_7_1;
    const nodeType = props.nodeType ?? ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.SMALL);
    const multiAz = props.multiAz ?? true;
    const replicas = wholeNumber(this, 'replicas', props.replicas ?? 1, 0, 5);
    if (multiAz && replicas === 0) {
      throw new Error(
        `LettaCache ${this.node.path}: \`multiAz\` needs a copy to fail over to, got \`replicas\` 0; give at least ` +
          '1 replica, or `multiAz: false`',
      );
    }
    this.port = wholeNumber(this, 'port', props.port ?? DEFAULT_PORT, 1024, 65535);
    const snapshotRetention = props.snapshotRetention ?? Duration.days(1);
    if (!snapshotRetention.isUnresolved()) wholeNumber(this, 'snapshotRetention', snapshotRetention.toDays(), 0, 35);
    const vpcSubnets = isolatedPlacement(this, vpc, props.vpcSubnets, {
      zones: multiAz ? 2 : 1,
      reason: '`multiAz` puts the nodes into different zones; give subnets in two zones, or `multiAz: false`',
    });

    const securityGroup =
      props.securityGroup ?? closedSecurityGroup(this, 'SecurityGroup', { vpc, description: 'Letta cache' });
    this.connections = new ec2.Connections({ securityGroups: [securityGroup], defaultPort: ec2.Port.tcp(this.port) });

    const name = uniqueName(this);
    const user = new elasticache.CfnUser(this, 'User', {
      engine: engine.engine,
      userId: name,
      userName: name,
      accessString: LETTA_ACCESS,
      authenticationMode: { Type: 'iam' },
    });
    const users = [user.ref];
    if (engine.engine === 'redis') users.push(this.switchedOffDefaultUser(name).ref);
    const userGroup = new elasticache.CfnUserGroup(this, 'UserGroup', {
      engine: engine.engine,
      userGroupId: name,
      userIds: users,
    });
    const subnetGroup = new elasticache.CfnSubnetGroup(this, 'SubnetGroup', {
      description: 'Letta cache',
      subnetIds: vpc.selectSubnets(vpcSubnets).subnetIds,
    });
    const group = new elasticache.CfnReplicationGroup(this, 'Resource', {
      replicationGroupDescription: 'Letta cache',
      engine: engine.engine,
      engineVersion: engine.version,
      cacheNodeType: `cache.${nodeType.toString()}`,
      numCacheClusters: replicas + 1,
      automaticFailoverEnabled: multiAz,
      multiAzEnabled: multiAz,
      port: this.port,
      cacheSubnetGroupName: subnetGroup.ref,
      securityGroupIds: [securityGroup.securityGroupId],
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      atRestEncryptionEnabled: true,
      kmsKeyId: props.encryptionKey?.keyArn,
      userGroupIds: [userGroup.ref],
      snapshotRetentionLimit: snapshotRetention.toDays(),
      autoMinorVersionUpgrade: true,
    });
    acknowledge(
      group,
      'AwsSolutions-AEC5',
      'closed security groups and IAM logins keep strangers out, not an unusual port; `port` changes it',
    );
    acknowledge(
      group,
      'AwsSolutions-AEC6',
      'users log in by IAM tokens that last 15 minutes (user group), which excludes one shared AUTH password',
    );
    acknowledgeStandards(
      group,
      'ElastiCacheRedisClusterAutomaticBackup',
      'what the cache holds is made anew from the database or ends with its turn; `snapshotRetention` keeps it longer',
    );

    const removalPolicy = props.removalPolicy ?? RemovalPolicy.DESTROY;
    group.applyRemovalPolicy(removalPolicy);
    if (removalPolicy !== RemovalPolicy.SNAPSHOT) {
      // What a retained cache stands on, AWS refuses to delete.
      this.node
        .findAll()
        .forEach((child) => CfnResource.isCfnResource(child) && child.applyRemovalPolicy(removalPolicy));
    }

    this.host = group.attrPrimaryEndPointAddress;
    this.replicationGroupId = group.ref;
    this.userId = name;
    this.node.defaultChild = group;
  }

  grantConnect(grantee: iam.IGrantable): iam.Grant {
    return grantConnect(this, grantee);
  }

  private switchedOffDefaultUser(name: string): elasticache.CfnUser {
    return new elasticache.CfnUser(this, 'DefaultUser', {
      engine: 'redis',
      userId: `${name}-default`,
      userName: 'default',
      accessString: 'off -@all',
      authenticationMode: { Type: 'no-password-required' },
    });
  }
}

class ImportedCache extends Construct implements ILettaCache {
  readonly connections: ec2.Connections;
  readonly host: string;
  readonly port: number;
  readonly replicationGroupId: string;
  readonly userId: string;

  constructor(scope: Construct, id: string, attrs: LettaCacheAttributes) {
    super(scope, id);
    this.host = attrs.host;
    this.port = attrs.port ?? DEFAULT_PORT;
    this.replicationGroupId = attrs.replicationGroupId;
    this.userId = attrs.userId;
    this.connections = new ec2.Connections({
      securityGroups: [attrs.securityGroup],
      defaultPort: ec2.Port.tcp(this.port),
    });
  }

  grantConnect(grantee: iam.IGrantable): iam.Grant {
    return grantConnect(this, grantee);
  }
}

/** Both ARNs are needed: "Authenticating with IAM", Amazon ElastiCache User Guide. */
function grantConnect(cache: ILettaCache, grantee: iam.IGrantable): iam.Grant {
  const arn = (resource: string, resourceName: string) =>
    Stack.of(cache).formatArn({
      service: 'elasticache',
      resource,
      resourceName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
  return iam.Grant.addToPrincipal({
    grantee,
    actions: ['elasticache:Connect'],
    resourceArns: [arn('replicationgroup', cache.replicationGroupId), arn('user', cache.userId)],
  });
}
