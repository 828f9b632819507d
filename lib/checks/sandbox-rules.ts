import { Listener, Port, RouteGroup, SandboxMaximum } from '../../runtime/contract';
import { inContainers } from './container-rules';
import { Container, LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { codeOfSandboxMay } from './sandbox-code';
import {
  allowedEndpoints,
  functionSandboxes,
  invokingAction,
  Sandbox,
  sandboxes,
  sandboxGroups,
  sandboxRole,
} from './sandbox-parts';
import { closes, GroupRule, peer, ports, rulesOf } from './security-group-rules';
import { allowsAny, covers, isPartlyKnown, statementsOf, taskRoles } from './statements';
import { isUnknown, keysIn, list, Resource, text } from './template';

const AREA = 'Tool sandbox';

/** Letta hands callers' tools to E2B's client if it has a key, and the client stays on loopback if it debugs. */
function handsOver({ environment }: Container): boolean {
  return text(environment.E2B_API_KEY ?? '') !== '' && text(environment.E2B_DEBUG ?? '') === 'true';
}

function names(value: unknown): string[] {
  return text(value ?? '').split(',');
}

/** Letta containers whose gateway lets callers' tools in, and that run them elsewhere than in its sandbox. */
function pastSandbox(parts: LettaParts): Fault[] {
  const open = parts
    .gateways()
    .filter(({ environment }) => names(environment.GATEWAY_OPEN_ROUTES).includes(RouteGroup.CUSTOM_TOOLS));
  return open.flatMap(({ task, environment }) => {
    const serves = environment.GATEWAY_SANDBOX && names(environment.GATEWAY_LISTENERS).includes(Listener.SANDBOX);
    if (!serves) return [fault(task, 'ContainerDefinitions', 'the gateway serves no sandbox')];
    const own = parts.lettaContainers().filter((container) => container.task === task);
    return inContainers(own, 'Environment', (container) => !handsOver(container) && 'E2B_API_KEY and E2B_DEBUG=true');
  });
}

/** Security groups of the endpoints of a service. */
function endpointGroups(parts: LettaParts, service: string): Resource[] {
  const endpoints = parts
    .ofType('AWS::EC2::VPCEndpoint')
    .filter(({ properties }) => text(properties.ServiceName).endsWith(`.${service}`));
  return parts.groupsIn(endpoints.map(({ properties }) => properties.SecurityGroupIds));
}

/** Security groups of the tasks that a gateway runs in. */
function taskGroups(parts: LettaParts, { task }: Container): Resource[] {
  const services = parts.services.filter((service) => parts.taskOf(service)?.key === task.key);
  return parts.groupsIn(services.map(({ properties }) => properties.NetworkConfiguration));
}

function calledFunctions(parts: LettaParts, role: Resource | undefined): string[] {
  const statements = role ? statementsOf(parts, role) : [];
  return statements
    .filter((statement) => allowsAny(statement, ['lambda:InvokeFunction']))
    .flatMap(({ resources }) => resources);
}

/** Where the sandbox's packets may go, one by one: to Lambda for the functions that were allowed, to the gateway's proxy. */
function isDeclared(parts: LettaParts, sandbox: Sandbox, { entry }: GroupRule): boolean {
  const [from, to] = ports(entry);
  const wanted: [boolean, number, Resource[]][] = [
    [calledFunctions(parts, sandboxRole(parts, sandbox)).length > 0, 443, endpointGroups(parts, 'lambda')],
    [allowedEndpoints(sandbox).length > 0, Port.SANDBOX_EGRESS, taskGroups(parts, sandbox.gateway)],
  ];
  const peers = keysIn(peer(entry, true));
  return wanted.some(
    ([allowed, port, groups]) =>
      allowed && from === port && to === port && groups.some(({ key }) => peers.includes(key)),
  );
}

function waysOut(parts: LettaParts, sandbox: Sandbox): Fault[] {
  const groups = sandboxGroups(parts, sandbox);
  const keys = new Set(groups.map(({ key }) => key));
  const written = rulesOf(parts)
    .filter(({ egress, group, entry }) => egress && group && keys.has(group.key) && !closes(entry))
    .filter((rule) => !isDeclared(parts, sandbox, rule))
    .map(({ resource, property, entry }) => fault(resource, property, `egress to ${text(peer(entry, true) ?? '')}`));
  const byDefault = groups
    .filter(({ properties }) => list(properties.SecurityGroupEgress).length === 0)
    .map((group) => fault(group, 'SecurityGroupEgress', 'no egress rule in the group, so EC2 adds one to 0.0.0.0/0'));
  return [...written, ...byDefault];
}

/** Ways out that security groups do not decide. */
function openNetwork({ resource }: Sandbox): Fault[] {
  if (resource.type === 'AWS::Lambda::Function') {
    const subnets = list(resource.properties.VpcConfig?.SubnetIds);
    return subnets.length === 0 ? [fault(resource, 'VpcConfig', 'outside of every VPC: it has the internet')] : [];
  }
  const mode = text(resource.properties.NetworkConfiguration?.NetworkMode ?? 'not set');
  const closed = ['SANDBOX', 'VPC'].includes(mode) || isUnknown(mode);
  return closed ? [] : [fault(resource, 'NetworkConfiguration/NetworkMode', `network mode ${mode}`)];
}

function uncallable(parts: LettaParts, sandbox: Sandbox): Fault[] {
  const roles = parts.templates
    .named(sandbox.gateway.task.properties.TaskRoleArn)
    .filter((role) => role.type === 'AWS::IAM::Role' && !isPartlyKnown(parts, role));
  return roles
    .filter(
      (role) =>
        !statementsOf(parts, role).some(
          (statement) =>
            allowsAny(statement, [invokingAction(sandbox)]) &&
            statement.resources.some((arn) => arn === '*' || keysIn(arn).includes(sandbox.resource.key)),
        ),
    )
    .map((role) => fault(role, '', `may not call ${invokingAction(sandbox)} on ${sandbox.resource.key}`));
}

/** Actions that start code of the account. */
const CALLS = ['lambda:InvokeFunction', 'lambda:InvokeAsync', 'bedrock-agentcore:InvokeCodeInterpreter'];

/** What a task role calls beside its own sandbox. */
function callsOfOthers(parts: LettaParts): Fault[] {
  const own = new Set(sandboxes(parts).map(({ resource }) => resource.key));
  const isCall = (action: string): boolean => /^[a-z]/i.test(action) && CALLS.some((call) => covers(action, call));
  return taskRoles(parts, 'TaskRoleArn').flatMap((role) =>
    statementsOf(parts, role)
      // Actions of every service are a finding of their own.
      .filter(({ allows, actions }) => allows && actions.some((action) => isCall(action)))
      .flatMap(({ resource, location, resources }) =>
        resources
          .filter((arn) => !keysIn(arn).some((key) => own.has(key)))
          .slice(0, 1)
          .map((arn) => fault(resource, location, `calls ${arn}`)),
      ),
  );
}

function shortTime({ resource, settings, gateway }: Sandbox): string | undefined {
  const run = Number(settings.timeoutSeconds);
  const idle = Number(gateway.environment.GATEWAY_IDLE_TIMEOUT_SECONDS);
  const own = resource.type === 'AWS::Lambda::Function' ? Number(resource.properties.Timeout ?? 3) : Infinity;
  if (run > SandboxMaximum.TIMEOUT_SECONDS) return `${run} s, and Letta waits ${SandboxMaximum.TIMEOUT_SECONDS} s`;
  if (run >= idle) return `${run} s, and the gateway cuts a silent turn after ${idle} s`;
  return run > own ? `${run} s, and Lambda ends the function after ${own} s` : undefined;
}

/** Where callers' tools run: what they can reach, what they share, and what the gateway may call. */
export const SANDBOX_RULES: Rule[] = [
  {
    id: 'tools-past-sandbox',
    area: AREA,
    reason: "the routes for callers' tools are open, and Letta does not hand the tools to the sandbox of its gateway",
    fix: 'give LettaService customTools and leave the variables to it; unsafeToolsInLettaContainer is another prop',
    judge: pastSandbox,
  },
  {
    id: 'tools-in-both',
    area: AREA,
    reason: 'tools run in the sandbox, and the routes that let them run inside the Letta container are open as well',
    fix: 'take one of customTools and unsafeToolsInLettaContainer',
    judge: (parts) =>
      sandboxes(parts)
        .filter(({ gateway: { environment } }) =>
          names(environment.GATEWAY_OPEN_ROUTES).includes(RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER),
        )
        .map(({ gateway: { task } }) =>
          fault(task, 'ContainerDefinitions', RouteGroup.UNSAFE_TOOLS_IN_LETTA_CONTAINER),
        ),
  },
  {
    id: 'sandbox-on-network',
    area: AREA,
    reason: "the sandbox of callers' tools is on a network that nothing of Letta's closes",
    fix: 'put it into isolated subnets (a code interpreter: network mode SANDBOX); ToolSandbox does',
    judge: (parts) => sandboxes(parts).flatMap(openNetwork),
  },
  {
    id: 'sandbox-way-out',
    area: AREA,
    reason: "a security group of the sandbox lets callers' tools reach what no allowFunction or allowEndpoint names",
    fix: 'take the rule away; name what tools need: allowFunction(fn), allowEndpoint(host:port)',
    judge: (parts) => sandboxes(parts).flatMap((sandbox) => waysOut(parts, sandbox)),
  },
  {
    id: 'sandbox-shared',
    area: AREA,
    reason: 'tools of one agent run where those of another ran, and can leave something behind for them',
    fix: 'make the function with TenancyConfig.PER_TENANT; it cannot be changed later',
    judge: (parts) =>
      faults(
        functionSandboxes(parts).map(({ resource }) => resource),
        'TenancyConfig',
        ({ properties: { TenancyConfig: tenancy } }) =>
          tenancy?.TenantIsolationMode !== 'PER_TENANT' && 'no tenant isolation',
      ),
  },
  {
    id: 'sandbox-shares-files',
    area: AREA,
    reason: 'the sandbox has a file system that outlives a run, so tools of one agent can leave files for others',
    fix: 'take it away; a tool has its own /tmp for one run',
    judge: (parts) =>
      faults(
        functionSandboxes(parts).map(({ resource }) => resource),
        'FileSystemConfigs',
        ({ properties }) => list(properties.FileSystemConfigs).length > 0 && 'a file system',
      ),
  },
  {
    id: 'sandbox-code-may',
    area: AREA,
    reason: "callers' tools may do something in AWS by the sandbox's role",
    fix: 'deny it to the code (condition lambda:SourceFunctionArn), or name the function by allowFunction(fn)',
    judge: (parts) => sandboxes(parts).flatMap((sandbox) => codeOfSandboxMay(parts, sandbox)),
  },
  {
    id: 'sandbox-called-by-others',
    area: AREA,
    reason: 'somebody else than the gateway may start code in the sandbox, past its limits and its audit',
    fix: 'take the permission, the address or the event source away; the gateway calls it by its task role',
    judge: (parts) => {
      const own = new Set(functionSandboxes(parts).map(({ resource }) => resource.key));
      const ways = ['AWS::Lambda::Permission', 'AWS::Lambda::Url', 'AWS::Lambda::EventSourceMapping'];
      return parts.templates
        .ofType(...ways)
        .filter(({ properties: { FunctionName, TargetFunctionArn } }) =>
          keysIn([FunctionName, TargetFunctionArn]).some((key) => own.has(key)),
        )
        .map((way) => fault(way, 'FunctionName', text(way.properties.Principal ?? way.type)));
    },
  },
  {
    id: 'sandbox-not-callable',
    area: AREA,
    reason: 'the gateway is told of a sandbox that its task role may not call, so every tool fails',
    fix: 'grant it: LettaService does with customTools',
    judge: (parts) => sandboxes(parts).flatMap((sandbox) => uncallable(parts, sandbox)),
  },
  {
    id: 'task-calls-other-code',
    area: AREA,
    reason: 'a task role may start code elsewhere than in its sandbox',
    fix: "name the sandbox's ARN and no other",
    judge: callsOfOthers,
  },
  {
    id: 'sandbox-timeout',
    area: AREA,
    reason: 'a run may take longer than somebody waits for it: the agent gets no answer that names the cause',
    fix: 'shorten the time-out of the sandbox, or let the gateway wait longer (idleTimeout)',
    judge: (parts) =>
      sandboxes(parts).flatMap((sandbox) => {
        const found = shortTime(sandbox);
        return found ? [fault(sandbox.resource, 'Timeout', found)] : [];
      }),
  },
];
