import { containersOf, isCustom, LettaParts } from './letta-parts';
import { Fault, fault, faults, Rule } from './rule';
import { isTrue, keysIn, list, Properties, Resource } from './template';

const AREA = 'Service';

/** Every service of the app and the task definition it runs: these faults are faults whatever runs there. */
function servicesWithTask(parts: LettaParts): [service: Resource, task: Resource][] {
  return parts.templates.ofType('AWS::ECS::Service').flatMap((service): [Resource, Resource][] => {
    const task = parts.taskOf(service);
    return task?.type === 'AWS::ECS::TaskDefinition' ? [[service, task]] : [];
  });
}

function faultsOfTargets(
  parts: LettaParts,
  property: string,
  what: (target: Properties, containers: Properties[]) => string | undefined | false,
): Fault[] {
  return servicesWithTask(parts).flatMap(([service, task]) => {
    const containers = containersOf(task).map(({ definition }) => definition);
    return list(service.properties.LoadBalancers).flatMap((target: Properties, index) => {
      const found = what(target, containers);
      return found ? [fault(service, `LoadBalancers/${index}/${property}`, found)] : [];
    });
  });
}

function ports(container: Properties): number[] {
  return list(container.PortMappings).map(({ ContainerPort }: Properties) => Number(ContainerPort));
}

/** Listeners and listener rules that forward to a service's target groups. */
function forwarders(parts: LettaParts, service: Resource): Resource[] {
  const groups = keysIn(service.properties.LoadBalancers);
  return parts.templates
    .ofType('AWS::ElasticLoadBalancingV2::Listener', 'AWS::ElasticLoadBalancingV2::ListenerRule')
    .filter(({ properties }) =>
      keysIn(properties.DefaultActions ?? properties.Actions).some((key) => groups.includes(key)),
    );
}

/** Deployment steps that run a task of Letta's: the migration. */
function migrations(parts: LettaParts): Resource[] {
  const tasks = new Set(parts.tasks.map(({ key }) => key));
  return parts
    .customResources()
    .filter((step) => isCustom(step) && keysIn(step.properties).some((key) => tasks.has(key)));
}

/** How ECS runs the tasks. */
export const SERVICE_RULES: Rule[] = [
  {
    id: 'container-name',
    area: AREA,
    reason: 'a service sends its traffic to a container that its task definition does not have; ECS refuses that',
    fix: "name one of the task definition's containers",
    judge: (parts) =>
      faultsOfTargets(
        parts,
        'ContainerName',
        ({ ContainerName: name }, containers) =>
          !containers.some(({ Name }) => Name === name) &&
          `${name}, of ${containers.map(({ Name }) => Name).join(', ')}`,
      ),
  },
  {
    id: 'container-port',
    area: AREA,
    reason: 'a service sends its traffic to a port that its container does not map; ECS refuses that',
    fix: "name a port of the container's port mappings",
    judge: (parts) =>
      faultsOfTargets(parts, 'ContainerPort', ({ ContainerName, ContainerPort }, containers) => {
        const container = containers.find(({ Name }) => Name === ContainerName);
        const mapped = container ? ports(container) : [];
        return (
          container && !mapped.includes(Number(ContainerPort)) && `${ContainerPort}, of ${mapped.join(', ') || 'none'}`
        );
      }),
  },
  {
    id: 'service-before-listener',
    area: AREA,
    reason:
      'the service may be made before the listener that forwards to it, which ECS refuses: "does not have an associated load balancer"',
    fix: 'let the service depend on the listener: service.node.addDependency(listener)',
    judge: (parts) =>
      servicesWithTask(parts).flatMap(([service]) =>
        forwarders(parts, service)
          // A listener of another stack is made with its stack.
          .filter(({ stackName, key }) => stackName === service.stackName && !parts.standsBefore(key, service))
          .map(({ logicalId }) => fault(service, 'LoadBalancers', `does not wait for ${logicalId}`)),
      ),
  },
  {
    id: 'service-before-migration',
    area: AREA,
    reason: 'the service may start before the database is migrated, and a failed migration does not stop it',
    fix: 'let the service depend on the migration: service.node.addDependency(migration)',
    judge: (parts) =>
      migrations(parts).flatMap((migration) =>
        parts.services
          .filter((service) => service.stackName === migration.stackName && !parts.standsBefore(migration.key, service))
          .map((service) => fault(service, 'TaskDefinition', `does not wait for ${migration.logicalId}`)),
      ),
  },
  {
    id: 'no-grace-period',
    area: AREA,
    reason: 'Letta takes 12 to 24 seconds to start; without a grace period its health checks end the task before that',
    fix: 'set healthCheckGracePeriod to at least 60 seconds',
    judge: (parts) =>
      faults(parts.services, 'HealthCheckGracePeriodSeconds', ({ properties }) => {
        const seconds = properties.HealthCheckGracePeriodSeconds ?? 0;
        return list(properties.LoadBalancers).length > 0 && Number(seconds) < 60 && `${seconds} s`;
      }),
  },
  {
    id: 'exec-enabled',
    area: AREA,
    reason: 'whoever may call ecs:ExecuteCommand gets a shell beside the task role and the password',
    fix: 'set enableExecuteCommand to false',
    judge: (parts) =>
      faults(
        parts.services,
        'EnableExecuteCommand',
        ({ properties }) => isTrue(properties.EnableExecuteCommand) && 'true',
      ),
  },
  {
    id: 'no-circuit-breaker',
    area: AREA,
    reason: 'a deployment whose tasks do not start is tried for hours instead of being rolled back',
    fix: 'set circuitBreaker: { rollback: true }',
    judge: (parts) =>
      faults(parts.services, 'DeploymentConfiguration', ({ properties }) => {
        const { DeploymentController: controller, DeploymentConfiguration: configuration } = properties;
        const breaker = configuration?.DeploymentCircuitBreaker;
        const rolling = !controller?.Type || controller.Type === 'ECS';
        return (
          rolling && !(isTrue(breaker?.Enable) && isTrue(breaker?.Rollback)) && 'no circuit breaker that rolls back'
        );
      }),
  },
];
