import type { Deployment } from '../deployment';

/** Names of roles and stores, by construct path; paths are public API. */
export const Path = {
  TASK: 'Service/Task/Definition/TaskRole',
  EXECUTION: 'Service/Task/Definition/ExecutionRole',
  MIGRATION: 'Service/Migration/Task/Definition/TaskRole',
  MIGRATION_EXECUTION: 'Service/Migration/Task/Definition/ExecutionRole',
  START_MIGRATION: 'Service/Migration/OnEvent/ServiceRole',
  WATCH_MIGRATION: 'Service/Migration/IsComplete/ServiceRole',
  SETUP: 'Database/Setup/Step/Role',
  PREFIX_LIST: 'S3PrefixList/Lookup/Role',
  FLOW_LOG: 'FlowLog/IAMRole',
  TOOL_SANDBOX: 'Service/ToolSandbox/Role',
  TOOL_SANDBOX_LOG: 'Service/ToolSandbox/Logs',
} as const;

/** ARNs of what the stack makes and of what is not its own. */
export class Names {
  constructor(readonly deployment: Deployment) {}

  profile(id: string, region?: string, account?: string): string {
    return this.deployment.arn('bedrock', `inference-profile/${id}`, region, account);
  }

  model(id: string, region: string = this.deployment.region): string {
    return `arn:aws:bedrock:${region}::foundation-model/${id}`;
  }

  get apiPassword(): string {
    return this.deployment.ref('AWS::SecretsManager::Secret', 'Service/ApiPassword');
  }

  get masterSecret(): string {
    return this.deployment.attribute('AWS::RDS::DBInstance', 'Database/Instance', 'MasterUserSecret.SecretArn');
  }

  databaseUser(user: string, resourceId?: string): string {
    const id = resourceId ?? this.deployment.attribute('AWS::RDS::DBInstance', 'Database/Instance', 'DbiResourceId');
    return this.deployment.arn('rds-db', `dbuser:${id}/${user}`);
  }

  get cacheGroup(): string {
    return this.deployment.arn(
      'elasticache',
      `replicationgroup:${this.deployment.ref('AWS::ElastiCache::ReplicationGroup', 'Cache')}`,
    );
  }

  cacheUser(name: 'User' | 'DefaultUser'): string {
    const user = this.deployment.only('AWS::ElastiCache::User', `Cache/${name}`);
    return this.deployment.arn('elasticache', `user:${this.deployment.properties<{ UserId: string }>(user).UserId}`);
  }

  /** A stream of a log group, as policies on streams are judged. */
  stream(name: string, stream = 'task/letta/1234'): string {
    return this.deployment.arn('logs', `log-group:${this.logGroup(name)}:log-stream:${stream}`);
  }

  group(name: string): string {
    return this.deployment.arn('logs', `log-group:${this.logGroup(name)}`);
  }

  get imageRepository(): string {
    return this.deployment.arn(
      'ecr',
      `repository/cdk-hnb659fds-container-assets-${this.deployment.account}-${this.deployment.region}`,
    );
  }

  repository(name: string): string {
    return this.deployment.arn('ecr', `repository/${name}`);
  }

  get layers(): string {
    return `arn:aws:s3:::prod-${this.deployment.region}-starport-layer-bucket/sha256`;
  }

  role(name: string): string {
    return this.deployment.role(name).arn;
  }

  private logGroup(name: string): string {
    return this.deployment.ref('AWS::Logs::LogGroup', name);
  }
}
