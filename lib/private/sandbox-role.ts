import { Annotations, CfnResource, Lazy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { isImmutable } from './of-own-stack';
import { UNSCOPABLE_ACTIONS } from './unscopable-actions';
import { validateAccount } from './validation';

const LOGS = ['logs:CreateLogStream', 'logs:PutLogEvents'];
const INVOKE = 'lambda:InvokeFunction';

/**
 * Set in the credentials of a function's code, and where Lambda writes the function's logs with its role; not where it makes
 * network interfaces. Source: "Using source function ARN to control function access behavior", Lambda Developer Guide.
 */
const OF_THE_FUNCTION = { Null: { 'lambda:SourceFunctionArn': 'false' } };

/**
 * The policy of the sandbox function's role: what Lambda itself needs, and for the function's code nothing but the functions
 * that were allowed. What others allow the role, by policies of resources too, is denied to the code.
 */
export class SandboxRole {
  private readonly functions: string[] = [];
  private readonly ownLogs: string;

  public constructor(
    private readonly scope: Construct,
    private readonly role: iam.IRole,
    logGroup: logs.ILogGroup,
  ) {
    this.ownLogs = logGroup.logGroupArn;
    role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: LOGS, resources: [this.ownLogs] }));
    role.addToPrincipalPolicy(
      new iam.PolicyStatement({ actions: [...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES], resources: ['*'] }),
    );
    for (const statement of this.denials()) role.addToPrincipalPolicy(statement);
    scope.node.addValidation({ validate: () => [...this.undeclared(), ...this.untrusted()] });
  }

  /** Lets the function's code invoke one function. */
  public allowFunction(arn: string): void {
    this.functions.push(arn);
    this.role.addToPrincipalPolicy(new iam.PolicyStatement({ actions: [INVOKE], resources: [arn] }));
  }

  /** Lambda writes the logs with the very mark of the code, so that the code cannot be denied its own log group. */
  private denials(): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        effect: iam.Effect.DENY,
        notActions: [...LOGS, INVOKE],
        resources: ['*'],
        conditions: OF_THE_FUNCTION,
      }),
      new iam.PolicyStatement({
        effect: iam.Effect.DENY,
        actions: [...LOGS, INVOKE],
        notResources: Lazy.list({ produce: () => [this.ownLogs, ...this.functions] }),
        conditions: OF_THE_FUNCTION,
      }),
    ];
  }

  private undeclared(): string[] {
    const stack = Stack.of(this.scope);
    const text = (value: unknown): string => JSON.stringify(stack.resolve(value));
    const declared = new Set([
      ...LOGS.map((action) => `${action} ${text(this.ownLogs)}`),
      ...UNSCOPABLE_ACTIONS.LAMBDA_NETWORK_INTERFACES.map((action) => `${action} "*"`),
      ...this.functions.map((arn) => `${INVOKE} ${text(arn)}`),
    ]);
    const { documents, managed } = policiesOf(this.role);
    const found = documents
      .flatMap(({ Statement }) => list(Statement))
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(allowances);
    return [...new Set([...found.filter((one) => !declared.has(one)), ...managed])].map(
      (one) =>
        `role allows ${one}, wanted one that allows what the sandbox declares and nothing else: tools are code of anybody's. ` +
        'Leave role out, or take this from it; a function that tools may call is named by allowFunction()',
    );
  }

  /** Of a role that was imported the trust cannot be read. */
  private untrusted(): string[] {
    const { assumeRolePolicy } = this.role as iam.Role;
    if (!assumeRolePolicy) return [];
    const { Statement } = Stack.of(this.role).resolve(assumeRolePolicy) ?? { Statement: [] };
    const trusted: unknown[] = list<{ Effect: string; Principal?: string | Record<string, unknown> }>(Statement)
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Principal = [] }) => (typeof Principal === 'string' ? [Principal] : Object.values(Principal).flat()));
    const names = trusted.map((one) => (typeof one === 'string' ? one : JSON.stringify(one)));
    if (names.some((name) => name === '*' || /\blambda\./.test(name))) return [];
    return [
      `role trusts ${names.join(', ') || 'nobody'}, wanted one that trusts lambda.amazonaws.com, because Lambda makes no function ` +
        "whose role it cannot take: give one with assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'), or leave role out",
    ];
  }
}

/** A role that was brought along for the sandbox function. @throws for one that takes no policies */
export function requireSandboxRole(scope: Construct, role: iam.IRole | undefined): void {
  if (!role) return;
  validateAccount(scope, 'role', role.env.account, 'Lambda takes no other');
  if (isImmutable(role)) {
    throw new Error(
      `${scope.node.path}: role was imported as immutable, wanted one that takes policies, because everything must be denied ` +
        "to the code of callers' tools: import it without mutable: false, or leave role out",
    );
  }
  if (iam.Role.isRole(role)) return;
  Annotations.of(scope).addWarningV2(
    'cdk-letta:ToolSandboxFunction.role',
    `${scope.node.path}: role was imported, so that what it allows cannot be read here. Everything but what the sandbox declares ` +
      'is denied to the code of functions that have this role; see that no other function needs it',
  );
}

interface Statement {
  readonly Effect: string;
  readonly Action?: string | string[];
  readonly NotAction?: string | string[];
  readonly Resource?: unknown;
  readonly NotResource?: unknown;
}

interface Document {
  readonly Statement: Statement | Statement[];
}

function allowances({ Action, NotAction, Resource, NotResource }: Statement): string[] {
  const actions = NotAction === undefined ? list(Action!) : list(NotAction).map((action) => `all but ${action}`);
  const resources = NotResource === undefined ? list(Resource) : list(NotResource).map((one) => ({ not: one }));
  return actions.flatMap((action) => resources.map((resource) => `${action} ${JSON.stringify(resource)}`));
}

/** Every policy of the app that is the role's, and the ARNs of managed ones. */
function policiesOf(role: iam.IRole): { documents: Document[]; managed: string[] } {
  const documents: Document[] = [];
  const managed: string[] = [];
  const own = role.node.defaultChild;
  if (CfnResource.isCfnResource(own)) {
    const { Policies = [], ManagedPolicyArns = [] } = propertiesOf(own);
    documents.push(...Policies.map(({ PolicyDocument }) => PolicyDocument));
    managed.push(...ManagedPolicyArns.map((arn) => `the managed policy ${JSON.stringify(arn)}`));
  }
  for (const construct of role.node.root.node.findAll()) {
    if (!CfnResource.isCfnResource(construct) || !/^AWS::IAM::(Managed|Role)?Policy$/.test(construct.cfnResourceType))
      continue;
    const { Roles = [], RoleName, PolicyDocument } = propertiesOf(construct);
    const written = own instanceof iam.CfnRole ? own.roleName : undefined;
    const names: unknown[] = Stack.of(construct).resolve([role.roleName, written]);
    const known = names.filter((name) => name !== undefined).map((name) => JSON.stringify(name));
    if ([...Roles, RoleName].some((one) => known.includes(JSON.stringify(one)))) documents.push(PolicyDocument!);
  }
  return { documents, managed };
}

/** What a role or a policy has of these. */
interface IamProperties {
  readonly Policies?: { readonly PolicyDocument: Document }[];
  readonly ManagedPolicyArns?: unknown[];
  readonly Roles?: unknown[];
  readonly RoleName?: unknown;
  readonly PolicyDocument?: Document;
}

// The CDK has no public way to a resource's properties but its template.
function propertiesOf(resource: CfnResource): IamProperties {
  const { Resources } = Stack.of(resource).resolve(resource._toCloudFormation());
  const [{ Properties = {} }] = Object.values(Resources) as { readonly Properties?: IamProperties }[];
  return Properties;
}

function list<T>(value: T | T[]): T[] {
  return Array.isArray(value) ? value : [value];
}
