import { Annotations } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { RouteGroup } from '../../runtime/contract';
import { ToolSandbox } from '../tool-sandbox';

/** The groups that flags open. */
type Flag = Exclude<RouteGroup, typeof RouteGroup.CUSTOM_TOOLS>;

/** What opening a group of routes risks; the groups are named like the props that open them. */
const RISKS: { readonly [group in Flag]: string } = {
  unsafeToolsInLettaContainer:
    'code that callers bring runs inside the Letta container, where it reads and writes every agent in the database, ' +
    'calls the models and sees what other callers send (CVE-2025-51482)',
  externalProviders:
    'callers can add model providers with keys of their own, which are stored unencrypted in the database ' +
    '(LETTA_ENCRYPTION_KEY is not set), and what agents know can be sent to those that allowedEgress names',
  mcpServers:
    'callers can connect MCP servers, whose credentials are stored unencrypted in the database (LETTA_ENCRYPTION_KEY is ' +
    'not set): of the hosts that allowedEgress names the service calls those that callers choose, and agents trust the ' +
    'answers',
  agentImport:
    'callers can import agents with whatever memory and instructions; with customTools or unsafeToolsInLettaContainer also ' +
    "with tools of their own, whose source runs when the agent calls them, and which replace everybody's tools of the same name",
};

/** The groups that props open: each flag's with a warning, while a sandbox is there to take the risk away. */
export function openRoutes(
  scope: Construct,
  props: { readonly [group in Flag]?: boolean } & { readonly customTools?: ToolSandbox },
): RouteGroup[] {
  const groups = (Object.keys(RISKS) as Flag[]).filter((group) => props[group]);
  for (const group of groups) {
    Annotations.of(scope).addWarningV2(
      `cdk-letta:LettaService.${group}`,
      `${scope.node.path} opens ${group}: ${RISKS[group]}; leave the prop out to close it`,
    );
  }
  return [...(props.customTools ? [RouteGroup.CUSTOM_TOOLS] : []), ...groups];
}
