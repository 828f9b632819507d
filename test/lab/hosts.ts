import { Account } from './account';
import { interfaceEndpoints } from './endpoints';
import { Address } from './namespace';
import { Name } from './resource-values';
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
 * The hosts file of a container or function in the VPC: of AWS only those services that have an interface endpoint in
 * the template lead to the fake AWS.
 */
export function hostsInVpc(template: Template, awsHosts: string[]): string {
  const endpoints = interfaceEndpoints(template);
  const reachable = awsHosts.filter((host) => endpoints.has(host.split('.')[0]));
  const unreachable = [...awsHosts.filter((host) => !reachable.includes(host)), ...internet];
  return hostsFile({
    [Address.AWS]: reachable,
    [Address.DATABASE]: [Name.DATABASE_HOST],
    [Address.CACHE]: [Name.CACHE_HOST],
    [Address.NOWHERE]: [...unreachable, `sts.${Account.REGION}.${Account.URL_SUFFIX}`, `sts.${Account.URL_SUFFIX}`],
  });
}

/** The hosts file of a function outside the VPC: all of AWS, but neither database nor cache. */
export function hostsOutside(awsHosts: string[]): string {
  return hostsFile({ [Address.AWS]: awsHosts });
}

function hostsFile(names: Record<string, string[]>): string {
  const lines = Object.entries(names).flatMap(([address, hosts]) => hosts.map((host) => `${address} ${host}`));
  return `${['127.0.0.1 localhost', ...lines].join('\n')}\n`;
}
