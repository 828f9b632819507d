import { Account } from './account';
import { endpointGroups, s3Gateway } from './endpoints';
import { Address } from './namespace';
import { Name } from './resource-values';
import { reachableGroups } from './security-groups';
import type { Template } from './template';

/** Names of the internet that Letta or a tool may look up; in the VPC they resolve, and lead nowhere. */
const internet = [
  'api.letta.com',
  'inference.letta.com',
  'inference.memgpt.ai',
  'raw.githubusercontent.com',
  'openaipublic.blob.core.windows.net',
  'api.openai.com',
  'api.anthropic.com',
  'pypi.org',
];

/**
 * The hosts file of a container or function in the VPC. What its security groups lead to is there, and of AWS only what has
 * an interface endpoint in the template; every other name leads nowhere.
 */
export function hostsInVpc(template: Template, awsHosts: string[], groups: string[]): string {
  const reachable = reachableGroups(template, groups);
  const endpoints = endpointGroups(template);
  const leads = (to: string[] = []): boolean => to.some((group) => reachable.has(group));
  const s3 = s3Gateway(template) !== undefined;
  const leadsToAws = (host: string): boolean => (host.includes('.s3.') ? s3 : leads(endpoints.get(host.split('.')[0])));
  const database = leads(groupsOf(template, 'AWS::RDS::DBInstance', 'VPCSecurityGroups'));
  const cache = leads(groupsOf(template, 'AWS::ElastiCache::ReplicationGroup', 'SecurityGroupIds'));
  return hostsFile([
    ...awsHosts.map((host): Entry => [leadsToAws(host) ? Address.AWS : Address.NOWHERE, host]),
    [database ? Address.DATABASE : Address.NOWHERE, Name.DATABASE_HOST],
    [cache ? Address.CACHE : Address.NOWHERE, Name.CACHE_HOST],
    ...[...internet, `sts.${Account.REGION}.${Account.URL_SUFFIX}`, `sts.${Account.URL_SUFFIX}`].map((host): Entry => [
      Address.NOWHERE,
      host,
    ]),
  ]);
}

function groupsOf(template: Template, type: string, property: string): string[] {
  return template.ofType(type).flatMap(([id]) => template.properties<Record<string, string[]>>(id)[property] ?? []);
}

/** The hosts file of a function outside the VPC: all of AWS, but neither database nor cache. */
export function hostsOutside(awsHosts: string[]): string {
  return hostsFile(awsHosts.map((host) => [Address.AWS, host]));
}

/** Address and name. */
type Entry = [string, string];

function hostsFile(entries: Entry[]): string {
  return ['127.0.0.1 localhost', ...entries.map(([address, host]) => `${address} ${host}`), ''].join('\n');
}
