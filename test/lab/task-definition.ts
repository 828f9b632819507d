import { type ChatModel, GatewayVariable } from '../../runtime/contract';
import type { TaskDefinition } from './task';
import type { Template } from './template';

/** A task definition as RunTask's override of the command makes it. */
export function withCommand(definition: TaskDefinition, command: string[] | undefined): TaskDefinition {
  if (!command) return definition;
  return {
    ...definition,
    ContainerDefinitions: definition.ContainerDefinitions.map((container) => ({ ...container, Command: command })),
  };
}

/** A task definition with variables of one container in place of its own. */
export function withVariables(
  definition: TaskDefinition,
  containerName: string,
  variables: Record<string, string>,
): TaskDefinition {
  const more = Object.entries(variables).map(([Name, Value]) => ({ Name, Value }));
  const containers = definition.ContainerDefinitions.map((container) =>
    container.Name === containerName
      ? { ...container, Environment: [...(container.Environment ?? []), ...more] }
      : container,
  );
  return { ...definition, ContainerDefinitions: containers };
}

/** Ids of the chat models that the template's gateway allows. */
export function chatModels(template: Template): string[] {
  const environments = template
    .ofType('AWS::ECS::TaskDefinition')
    .flatMap(([id]) => template.properties<TaskDefinition>(id).ContainerDefinitions)
    .flatMap((container) => container.Environment ?? []);
  const models = environments.find(({ Name }) => Name === GatewayVariable.CHAT_MODELS)?.Value ?? '[]';
  return (JSON.parse(models) as ChatModel[]).map(({ id }) => id);
}
