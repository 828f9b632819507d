import { Container, LettaParts } from './letta-parts';
import { list, Properties, Resource, text } from './template';

/** Where callers' tools run, as a gateway is told. */
export interface Sandbox {
  readonly gateway: Container;
  /** `SandboxSettings` of the contract, as far as they can be read. */
  readonly settings: Properties;
  /** The function, or the code interpreter; one that another app made is none of the app's. */
  readonly resource: Resource;
}

/** Types of what runs tools, with the action by which the gateway asks for a run. */
const INVOKED_BY: Record<string, string> = {
  'AWS::Lambda::Function': 'lambda:InvokeFunction',
  'AWS::BedrockAgentCore::CodeInterpreterCustom': 'bedrock-agentcore:InvokeCodeInterpreter',
};

/** The sandboxes of the app that its gateways are told of. */
export function sandboxes(parts: LettaParts): Sandbox[] {
  return parts.gateways().flatMap((gateway) => {
    const value = gateway.environment.GATEWAY_SANDBOX;
    const resource = parts.templates.named(value).find(({ type }) => type in INVOKED_BY);
    return resource ? [{ gateway, resource, settings: settingsIn(value) }] : [];
  });
}

function settingsIn(value: unknown): Properties {
  try {
    const settings: unknown = JSON.parse(text(value));
    return typeof settings === 'object' && settings !== null ? settings : {};
  } catch {
    return {};
  }
}

/** Sandboxes that are functions. */
export function functionSandboxes(parts: LettaParts): Sandbox[] {
  return sandboxes(parts).filter(({ resource }) => resource.type === 'AWS::Lambda::Function');
}

/** The action by which the gateway asks for a run. */
export function invokingAction({ resource }: Sandbox): string {
  return INVOKED_BY[resource.type];
}

/** The role that the sandbox itself has, if the app makes it or adds to it. */
export function sandboxRole(parts: LettaParts, { resource }: Sandbox): Resource | undefined {
  const { Role: role, ExecutionRoleArn: executionRole } = resource.properties;
  return parts.templates.named([role, executionRole]).find(({ type }) => type === 'AWS::IAM::Role');
}

/** Security groups of the sandbox. */
export function sandboxGroups(parts: LettaParts, { resource }: Sandbox): Resource[] {
  const { VpcConfig, NetworkConfiguration } = resource.properties;
  return parts.groupsIn([VpcConfig, NetworkConfiguration]);
}

/** `host:port` that tools may reach through the gateway. */
export function allowedEndpoints({ settings }: Sandbox): string[] {
  return list(settings.allowedEndpoints).map(text);
}

/** Services that a gateway calls for its sandbox, from inside the VPC. */
export function servicesOfSandbox({ environment }: Container): string[] {
  const settings = environment.GATEWAY_SANDBOX;
  if (settings === undefined) return [];
  return /"kind":"codeInterpreter"/.test(text(settings)) ? ['bedrock-agentcore'] : ['lambda'];
}
