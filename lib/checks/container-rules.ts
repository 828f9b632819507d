import { Container, containersOf, isGateway, LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { isTrue, isUnknown, list, Properties, text } from './template';

const AREA = 'Containers';

export function inContainers(
  containers: Container[],
  property: string,
  what: (container: Container) => string | undefined | false,
): Fault[] {
  return containers.flatMap((container) => {
    const found = what(container);
    const location = `ContainerDefinitions/${container.index}/${property}`;
    return found ? [fault(container.task, location, `container ${container.name}: ${found}`)] : [];
  });
}

/** A digest, or the tag of a CDK asset, which is a hash of what it is built from. */
function isPinned(image: string): boolean {
  return /@sha256:[0-9a-f]{64}$/.test(image) || /:[0-9a-f]{64}$/.test(image);
}

/** Where the image comes from is known, and it is no repository of ECR's private registry. */
function isOutsideEcr(image: string): boolean {
  const registry = image.split('/')[0];
  return !/\.dkr[.-]ecr[.-]/.test(image) && !isUnknown(registry);
}

function executionRoleUses(task: Properties): string[] {
  const containers = list(task.ContainerDefinitions) as Properties[];
  return [
    ...(containers.some(({ Secrets }) => list(Secrets).length > 0) ? ['secrets'] : []),
    ...(containers.some(({ LogConfiguration }) => LogConfiguration?.LogDriver === 'awslogs') ? ['awslogs'] : []),
    ...(containers.some(({ Image }) => /\.dkr\.ecr\./.test(text(Image))) ? ['images from ECR'] : []),
  ];
}

function dependencyFaults(parts: LettaParts): Fault[] {
  return parts.templates.ofType('AWS::ECS::TaskDefinition').flatMap((task) => {
    const containers = containersOf(task);
    const byName = new Map(containers.map((container) => [container.name, container.definition]));
    return inContainers(containers, 'DependsOn', ({ definition }) => {
      const waits = list(definition.DependsOn) as Properties[];
      const lacking = waits.find(
        ({ ContainerName, Condition }) => Condition === 'HEALTHY' && !byName.get(ContainerName)?.HealthCheck,
      );
      return lacking && `waits for ${lacking.ContainerName}, which has no health check`;
    });
  });
}

/** What every container of a task is held to. */
export const CONTAINER_RULES: Rule[] = [
  {
    id: 'image-without-digest',
    area: AREA,
    reason: 'what runs can change without a deployment, because a tag can be moved',
    fix: 'name the image by its digest (repository@sha256:…), or let the CDK build it',
    judge: (parts) =>
      inContainers(parts.containers, 'Image', ({ definition }) => {
        const image = text(definition.Image);
        return !isPinned(image) && image;
      }),
  },
  {
    id: 'image-outside-ecr',
    area: AREA,
    reason:
      'an image of a public registry cannot be pulled in a network without a way out, and is not under your control',
    fix: 'copy the image into ECR; LettaImage.fromDockerHub() does it by an asset',
    judge: (parts) =>
      inContainers(parts.containers, 'Image', ({ definition }) => {
        const image = text(definition.Image);
        return isOutsideEcr(image) && image;
      }),
  },
  {
    id: 'writable-root',
    area: AREA,
    reason: 'the root file system of a container can be written, so code that gets in can stay',
    fix: 'set readonlyRootFilesystem to true and give the container volumes where it must write',
    judge: (parts) =>
      inContainers(
        parts.containers,
        'ReadonlyRootFilesystem',
        ({ definition }) => !isTrue(definition.ReadonlyRootFilesystem) && 'not read-only',
      ),
  },
  {
    id: 'runs-as-root',
    area: AREA,
    reason: 'a container runs as root, or as whatever its image says',
    fix: 'set user to a number other than 0, e.g. 10001:10001',
    judge: (parts) =>
      inContainers(parts.containers, 'User', ({ definition }) => {
        const user = text(definition.User ?? '');
        return /^(|0+|root)(:.*)?$/.test(user) && `user ${user || 'is not set'}`;
      }),
  },
  {
    id: 'capabilities-kept',
    area: AREA,
    reason: 'a container keeps capabilities of Linux that it does not need',
    fix: 'drop ALL capabilities, add none, and do not make it privileged',
    judge: (parts) =>
      inContainers(parts.containers, 'LinuxParameters/Capabilities', ({ definition }) => {
        const { Drop, Add } = definition.LinuxParameters?.Capabilities ?? {};
        if (isTrue(definition.Privileged)) return 'privileged';
        if (list(Add).length > 0) return `adds ${list(Add).join(', ')}`;
        return !list(Drop).includes('ALL') && 'does not drop ALL';
      }),
  },
  {
    id: 'container-without-logs',
    area: AREA,
    reason: 'what a container writes is lost',
    fix: 'give it a log driver, e.g. awslogs',
    judge: (parts) =>
      inContainers(parts.containers, 'LogConfiguration', ({ definition }) => !definition.LogConfiguration && 'no logs'),
  },
  {
    id: 'shared-processes',
    area: AREA,
    reason: "containers of a task see each other's processes, so Letta can read the gateway's environment and memory",
    fix: 'leave pidMode out',
    judge: (parts) =>
      faults(parts.tasks, 'PidMode', ({ properties }) => properties.PidMode && text(properties.PidMode)),
  },
  {
    id: 'no-execution-role',
    area: AREA,
    reason: 'a Fargate task cannot fetch secrets or images of ECR, or write logs, without an execution role',
    fix: 'give the task definition an execution role',
    judge: (parts) =>
      faults(parts.templates.ofType('AWS::ECS::TaskDefinition'), 'ExecutionRoleArn', ({ properties }) => {
        const fargate = list(properties.RequiresCompatibilities).includes('FARGATE');
        const uses = executionRoleUses(properties);
        const needed = fargate ? uses : uses.filter((use) => use === 'secrets');
        return !properties.ExecutionRoleArn && needed.length > 0 && `none, and the task uses ${needed.join(', ')}`;
      }),
  },
  {
    id: 'dependency-without-health-check',
    area: AREA,
    reason: 'a container waits for another to be healthy that has no health check; ECS refuses the task definition',
    fix: 'give the other container a health check',
    judge: dependencyFaults,
  },
  {
    id: 'gateway-without-health-check',
    area: AREA,
    reason: 'Letta may start before the gateway listens, and a gateway that hangs is not replaced',
    fix: 'give the gateway a health check and let Letta wait until it is HEALTHY',
    judge: (parts) => [
      ...inContainers(parts.gateways(), 'HealthCheck', ({ definition }) => !definition.HealthCheck && 'none'),
      ...inContainers(parts.lettaContainers(), 'DependsOn', ({ definition, task }) => {
        const gateway = containersOf(task).find(isGateway);
        const waits = list(definition.DependsOn).some(
          ({ ContainerName, Condition }: Properties) => ContainerName === gateway?.name && Condition === 'HEALTHY',
        );
        return gateway && !waits && 'does not wait for the gateway';
      }),
    ],
  },
];
