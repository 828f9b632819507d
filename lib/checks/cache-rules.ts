import { LettaParts } from './letta-parts';
import { fault, faults, Rule } from './rule';
import { isFalse, isTrue, isUnknown, list, Resource, text } from './template';

const AREA = 'Cache';

/** Source: "Supported node types" and "Engine versions", Amazon ElastiCache User Guide, read for 2026-09. */
const NODE_TYPE =
  /^cache\.(t[23]\.(micro|small|medium)|t4g\.(micro|small|medium)|(m[1-7]g?|c1|r[3-7]g?|r6gd|c7gn|m7g)\.(small|medium|large|\d*xlarge))$/;
const REDIS_VERSION = /^(3\.2\.(4|6|10)|4\.0\.10|5\.0\.[0-6]|6\.(x|0|2)|7\.[01])$/;
const VALKEY_VERSION = /^(7\.2|8\.\d+|9\.\d+)$/;

/** Every cache of the app: these faults are faults whoever uses it. */
function groups(parts: LettaParts): Resource[] {
  return parts.templates.ofType('AWS::ElastiCache::ReplicationGroup');
}

function ofLetta(parts: LettaParts): Resource[] {
  return parts.ofType('AWS::ElastiCache::ReplicationGroup');
}

/** Nodes of each shard, if the template says. */
function nodes({ properties }: Resource): number | undefined {
  if (properties.ReplicasPerNodeGroup !== undefined) return Number(properties.ReplicasPerNodeGroup) + 1;
  return properties.NumCacheClusters === undefined ? undefined : Number(properties.NumCacheClusters);
}

function wrongVersion({ Engine, EngineVersion }: Resource['properties']): string | undefined {
  const engine = text(Engine ?? 'redis');
  const version = text(EngineVersion ?? '');
  if (isUnknown(engine) || isUnknown(version)) return undefined;
  if (!/^(redis|valkey)$/.test(engine)) return `engine ${engine}`;
  const known = engine === 'redis' ? REDIS_VERSION : VALKEY_VERSION;
  return version !== '' && !known.test(version) ? `${engine} ${version}` : undefined;
}

/** The cache of streams and locks, and what neither validator of templates knows about ElastiCache. */
export const CACHE_RULES: Rule[] = [
  {
    id: 'cache-without-tls',
    area: AREA,
    reason: 'what goes to the cache goes over the network unencrypted, and the gateway speaks TLS only',
    fix: 'set transitEncryptionEnabled to true and transitEncryptionMode to required',
    judge: (parts) =>
      faults(ofLetta(parts), 'TransitEncryptionEnabled', ({ properties }) => {
        if (!isTrue(properties.TransitEncryptionEnabled)) return 'not true';
        return properties.TransitEncryptionMode === 'preferred' && 'TransitEncryptionMode preferred';
      }),
  },
  {
    id: 'cache-unencrypted',
    area: AREA,
    reason: 'the cache is not encrypted at rest, and cannot be later without being replaced',
    fix: 'set atRestEncryptionEnabled to true',
    judge: (parts) =>
      faults(
        ofLetta(parts),
        'AtRestEncryptionEnabled',
        ({ properties }) => !isTrue(properties.AtRestEncryptionEnabled) && 'not true',
      ),
  },
  {
    id: 'cache-without-authentication',
    area: AREA,
    reason: 'whoever reaches the cache may use it, without a user',
    fix: 'give it a user group with IAM users; LettaCache does',
    judge: (parts) =>
      faults(
        ofLetta(parts),
        'UserGroupIds',
        ({ properties }) =>
          list(properties.UserGroupIds).length === 0 && !properties.AuthToken && 'neither users nor AuthToken',
      ),
  },
  {
    id: 'cache-open-user',
    area: AREA,
    reason: 'a user of the cache needs no password',
    fix: 'let users authenticate by IAM, and switch the default one off: "off -@all"',
    judge: (parts) =>
      faults(parts.ofType('AWS::ElastiCache::User'), 'AccessString', ({ properties }) => {
        const free =
          isTrue(properties.NoPasswordRequired) || properties.AuthenticationMode?.Type === 'no-password-required';
        return free && !/(^|\s)off(\s|$)/.test(text(properties.AccessString)) && text(properties.AccessString);
      }),
  },
  {
    id: 'cache-iam-user-name',
    area: AREA,
    reason:
      'the id and the name of a user that authenticates by IAM must be the same; ElastiCache refuses the user otherwise',
    fix: 'give UserId and UserName the same value, in lower case',
    judge: (parts) =>
      faults(
        parts.templates.ofType('AWS::ElastiCache::User'),
        'UserName',
        ({ properties }) =>
          properties.AuthenticationMode?.Type === 'iam' &&
          text(properties.UserId) !== text(properties.UserName) &&
          `${text(properties.UserName)}, id ${text(properties.UserId)}`,
      ),
  },
  {
    id: 'cache-group-without-default',
    area: AREA,
    reason: 'a user group of Redis OSS must have a user named default; ElastiCache refuses it otherwise',
    fix: 'add a user of your own with the name default, switched off',
    judge: (parts) =>
      faults(parts.templates.ofType('AWS::ElastiCache::UserGroup'), 'UserIds', ({ properties }) => {
        const users = parts.templates.named(properties.UserIds).filter(({ type }) => type === 'AWS::ElastiCache::User');
        const allKnown = users.length === list(properties.UserIds).length;
        const redis = text(properties.Engine).toLowerCase() === 'redis';
        return (
          redis && allKnown && !users.some((user) => user.properties.UserName === 'default') && 'no user named default'
        );
      }),
  },
  {
    id: 'cache-without-failover',
    area: AREA,
    reason: 'the cache does not survive its node: streams of running turns break until somebody mends it',
    fix: 'set automaticFailoverEnabled to true with at least two nodes, or acknowledge it for a trial',
    judge: (parts) =>
      faults(
        ofLetta(parts),
        'AutomaticFailoverEnabled',
        ({ properties }) =>
          !isTrue(properties.AutomaticFailoverEnabled) && !isUnknown(properties.AutomaticFailoverEnabled) && 'not true',
      ),
  },
  {
    id: 'cache-failover-of-one',
    area: AREA,
    reason: 'automatic failover needs a second node; ElastiCache refuses it with one',
    fix: 'set NumCacheClusters to at least 2, or ReplicasPerNodeGroup to at least 1',
    judge: (parts) =>
      faults(groups(parts), 'NumCacheClusters', (group) => {
        const count = nodes(group);
        return isTrue(group.properties.AutomaticFailoverEnabled) && count !== undefined && count < 2 && `${count} node`;
      }),
  },
  {
    id: 'cache-zones-without-failover',
    area: AREA,
    reason: 'MultiAZEnabled needs automatic failover; ElastiCache refuses it without',
    fix: 'set AutomaticFailoverEnabled to true as well',
    judge: (parts) =>
      faults(
        groups(parts),
        'MultiAZEnabled',
        ({ properties: { MultiAZEnabled: zones, AutomaticFailoverEnabled: failover } }) =>
          isTrue(zones) &&
          (failover === undefined || isFalse(failover)) &&
          'MultiAZEnabled without AutomaticFailoverEnabled',
      ),
  },
  {
    id: 'cache-engine-version',
    area: AREA,
    reason: 'ElastiCache has no such engine or version, and the deployment fails',
    fix: 'use redis up to 7.1, or valkey from 7.2',
    judge: (parts) => faults(groups(parts), 'EngineVersion', ({ properties }) => wrongVersion(properties)),
  },
  {
    id: 'cache-node-type',
    area: AREA,
    reason: 'ElastiCache has no such node type, and the deployment fails',
    fix: 'use one of its node types, e.g. cache.t4g.small or cache.m7g.large',
    judge: (parts) =>
      faults(groups(parts), 'CacheNodeType', ({ properties: { CacheNodeType: type } }) => {
        return type !== undefined && !isUnknown(type) && !NODE_TYPE.test(text(type)) && text(type);
      }),
  },
  {
    id: 'cache-serverless-engine',
    area: AREA,
    reason: 'ElastiCache Serverless has no such engine, and the deployment fails',
    fix: 'use valkey, redis or memcached',
    judge: (parts) =>
      faults(
        parts.templates.ofType('AWS::ElastiCache::ServerlessCache'),
        'Engine',
        ({ properties: { Engine: engine } }) =>
          !/^(valkey|redis|memcached)$/.test(text(engine)) && !isUnknown(engine) && text(engine),
      ),
  },
  {
    id: 'cache-cluster-mode',
    area: AREA,
    reason: 'the cache is in cluster mode, whose redirections neither Letta nor the gateway follows',
    fix: 'use one shard (numNodeGroups 1), with cluster mode off',
    judge: (parts) =>
      ofLetta(parts).flatMap((group) => {
        const { NumNodeGroups: shards, ClusterMode: mode } = group.properties;
        if (Number(shards ?? 1) > 1) return [fault(group, 'NumNodeGroups', `${shards} shards`)];
        return mode === 'enabled' || mode === 'compatible' ? [fault(group, 'ClusterMode', mode)] : [];
      }),
  },
];
