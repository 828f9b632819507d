import { Container, LettaParts } from './letta-parts';
import { Fault, fault, Rule } from './rule';
import { allowsAny, equalCondition, isPartlyKnown, Statement, statementsOf } from './statements';
import { keysIn, Resource, text } from './template';

const AREA = 'Models';

const INVOKE = ['bedrock:InvokeModel', 'bedrock:InvokeModelWithResponseStream'];

/** A task of the gateway's that calls models, its role, and the role's statements about calling them. */
interface ModelTask {
  readonly gateway: Container;
  readonly role: Resource;
  readonly chat: string[];
  readonly embedding: string[];
  readonly statements: Statement[];
}

function modelTasks(parts: LettaParts): ModelTask[] {
  return parts.gateways().flatMap((gateway) => {
    const chat = idsIn(gateway.environment.GATEWAY_CHAT_MODELS);
    const embedding = idsIn(gateway.environment.GATEWAY_EMBEDDING_MODELS);
    const role = parts.templates.named(gateway.task.properties.TaskRoleArn)[0];
    if (!role || !chat || !embedding) return [];
    const statements = statementsOf(parts, role).filter((statement) => allowsAny(statement, INVOKE));
    return [{ gateway, role, chat, embedding, statements }];
  });
}

/** Ids of the models that a variable of the gateway's declares; undefined if only CloudFormation knows them. */
function idsIn(value: unknown): string[] | undefined {
  if (value === undefined) return [];
  try {
    return (JSON.parse(text(value)) as { id: string }[]).map(({ id }) => id);
  } catch {
    return undefined;
  }
}

/** A profile of several regions begins with its geography. */
function foundationOf(id: string): string {
  return id.replace(/^[a-z]{2,6}(-gov)?\.(?=[a-z0-9-]+\.)/, '');
}

function isProfile(id: string): boolean {
  return foundationOf(id) !== id;
}

/** Kind and id of what an ARN of Bedrock names. */
function modelIn(arn: string): { kind: string; id: string } | undefined {
  const match =
    /:(inference-profile|application-inference-profile|foundation-model|provisioned-model|custom-model[a-z-]*|imported-model)\/(.*)$/.exec(
      arn,
    );
  return match ? { kind: match[1], id: match[2] } : undefined;
}

/** A profile that the app itself makes, or an ARN that only CloudFormation knows, cannot be compared with ids. */
function isOpaque(arn: string): boolean {
  return arn !== '*' && modelIn(arn) === undefined && /<|Fn::/.test(arn);
}

function undeclared(task: ModelTask, arn: string): string | undefined {
  if (isOpaque(arn)) return undefined;
  const model = modelIn(arn);
  if (!model || /[*?]/.test(arn)) return `reaches ${arn}`;
  const declared = [...task.chat, ...task.embedding];
  const known = model.kind === 'foundation-model' ? declared.map(foundationOf) : declared;
  return known.includes(model.id) || declared.includes(arn) ? undefined : `reaches ${model.id}`;
}

function unreachable(task: ModelTask): Fault[] {
  return [...task.chat, ...task.embedding].flatMap((id) => {
    const arns = task.statements.flatMap(({ resources }) => resources);
    const allowed = (kinds: RegExp, name: string): boolean =>
      arns.some((arn) => {
        const model = modelIn(arn);
        return arn === '*' || (model && kinds.test(model.kind) && (model.id === name || model.id === '*'));
      });
    if (arns.some(isOpaque) || id.startsWith('arn:')) return [];
    const profile = !isProfile(id) || allowed(/inference-profile/, id);
    const model = allowed(/foundation-model/, foundationOf(id));
    return profile && model ? [] : [fault(task.role, '', `may not call ${profile ? foundationOf(id) : id}`)];
  });
}

/** Foundation models that stand behind a declared profile and are not declared themselves. */
function unconditionedRoutes(task: ModelTask): Fault[] {
  const declared = [...task.chat, ...task.embedding];
  const routed = declared
    .filter(isProfile)
    .map(foundationOf)
    .filter((id) => !declared.includes(id));
  return task.statements
    .filter((statement) => !equalCondition(statement, 'bedrock:InferenceProfileArn'))
    .flatMap((statement) =>
      statement.resources
        .map(modelIn)
        .filter((model) => model?.kind === 'foundation-model' && routed.includes(model.id))
        .slice(0, 1)
        .map((model) => fault(statement.resource, statement.location, `${model!.id} without the profile`)),
    );
}

/** Statements that allow chat models. */
function chatStatements(task: ModelTask): Statement[] {
  const chat = new Set([...task.chat, ...task.chat.map(foundationOf)]);
  return task.statements.filter(({ resources }) =>
    resources.some((arn) => arn === '*' || chat.has(modelIn(arn)?.id ?? '')),
  );
}

/** Value of the condition key for a guardrail in a version. */
function conditionValue({ environment }: Container): string {
  const version = text(environment.GATEWAY_GUARDRAIL_VERSION ?? '');
  return `${text(environment.GATEWAY_GUARDRAIL_ID)}${version === 'DRAFT' ? '' : `:${version}`}`;
}

function withGuardrail(parts: LettaParts): ModelTask[] {
  return modelTasks(parts).filter(({ gateway }) => gateway.environment.GATEWAY_GUARDRAIL_ID !== undefined);
}

/** An id of a guardrail and its ARN end alike. */
function sameGuardrail(condition: string, wanted: string): boolean {
  return condition === wanted || condition.endsWith(`guardrail/${wanted}`) || sameResource(condition, wanted);
}

/** Attributes of one guardrail of the app, in one version. */
function sameResource(condition: string, wanted: string): boolean {
  const [one, other] = [keysIn(condition), keysIn(wanted)];
  return one.length > 0 && one.join() === other.join();
}

/** Which models the task role reaches, and how. */
export const MODEL_RULES: Rule[] = [
  {
    id: 'undeclared-model',
    area: AREA,
    reason: 'the task role reaches a model that the gateway does not offer: permission without a use',
    fix: 'list the model in BedrockAccess, or take it out of the policy',
    judge: (parts) =>
      modelTasks(parts).flatMap((task) =>
        task.statements.flatMap((statement) => {
          const found = statement.resources.map((arn) => undeclared(task, arn)).find((each) => each);
          return found ? [fault(statement.resource, statement.location, found)] : [];
        }),
      ),
  },
  {
    id: 'model-unreachable',
    area: AREA,
    reason:
      'the gateway offers a model that its task role may not call; a cross-region profile needs its model as well',
    fix: 'grant it: bedrock.grantInvoke(taskRole)',
    judge: (parts) =>
      modelTasks(parts)
        .filter(({ role }) => !isPartlyKnown(parts, role))
        .flatMap(unreachable),
  },
  {
    id: 'model-past-profile',
    area: AREA,
    reason:
      'a model that is offered by a cross-region profile can be called without the profile, and so past its region',
    fix: "allow the model only under the condition bedrock:InferenceProfileArn = the profile's ARN; BedrockAccess does",
    judge: (parts) => modelTasks(parts).flatMap(unconditionedRoutes),
  },
  {
    id: 'guardrail-not-enforced',
    area: AREA,
    reason:
      'the task role may call a chat model without the guardrail: only the gateway adds it, AWS does not ask for it',
    fix: 'add the condition bedrock:GuardrailIdentifier to the statement; BedrockAccess does',
    judge: (parts) =>
      withGuardrail(parts).flatMap((task) =>
        chatStatements(task)
          .filter((statement) => !equalCondition(statement, 'bedrock:GuardrailIdentifier'))
          .map(({ resource, location }) => fault(resource, location, 'no condition bedrock:GuardrailIdentifier')),
      ),
  },
  {
    id: 'guardrail-differs',
    area: AREA,
    reason: 'the policy asks for another guardrail, or version, than the gateway sends, so every chat call is refused',
    fix: 'take both from one guardrail; the value of the condition is ARN:VERSION',
    judge: (parts) =>
      withGuardrail(parts).flatMap((task) =>
        chatStatements(task).flatMap((statement) => {
          const condition = equalCondition(statement, 'bedrock:GuardrailIdentifier');
          const wanted = conditionValue(task.gateway);
          return condition && !condition.values.some((value) => sameGuardrail(value, wanted))
            ? [fault(statement.resource, statement.location, `${condition.values.join(', ')}, gateway ${wanted}`)]
            : [];
        }),
      ),
  },
  {
    id: 'guardrail-draft',
    area: AREA,
    reason: 'the guardrail is not pinned to a version: its draft changes under the service without a deployment',
    fix: 'make a version (AWS::Bedrock::GuardrailVersion) and name it',
    judge: (parts) =>
      parts
        .gateways()
        .filter(({ environment }) => environment.GATEWAY_GUARDRAIL_ID !== undefined)
        .filter(({ environment }) => /^(DRAFT)?$/.test(text(environment.GATEWAY_GUARDRAIL_VERSION ?? '')))
        .map(({ task, environment }) =>
          fault(task, 'ContainerDefinitions', `version ${text(environment.GATEWAY_GUARDRAIL_VERSION ?? 'is not set')}`),
        ),
  },
];
