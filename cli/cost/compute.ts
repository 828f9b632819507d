import { CostLine, HOURS, Pricer, mentions, numberOf, referenceOf } from './cost-line';
import { Resource } from '../synthesized';

/** Storage of a task that Fargate does not charge for. */
const FREE_STORAGE_GB = 20;

export const ecsService: Pricer = (properties, resources, logicalId) => {
  const task = resources[referenceOf(properties.TaskDefinition) ?? '']?.Properties;
  const cpu = numberOf(task?.Cpu);
  const memory = numberOf(task?.Memory);
  const { least, most } = taskCount(properties, resources, logicalId);
  if (cpu === undefined || memory === undefined || least === undefined) {
    return [{ what: 'tasks', unknown: 'the template does not say their number, processors and memory' }];
  }
  const platform = task?.RuntimePlatform as { CpuArchitecture?: unknown; OperatingSystemFamily?: unknown } | undefined;
  if ((platform?.OperatingSystemFamily ?? 'LINUX') !== 'LINUX') {
    return [{ what: 'tasks', unknown: 'tasks with Windows have prices of their own' }];
  }
  const architecture = platform?.CpuArchitecture === 'ARM64' ? 'arm' : 'x86';
  // Spot's price moves by the day; the one on demand is the most it can be.
  const kind = JSON.stringify(properties.CapacityProviderStrategy ?? '').includes('FARGATE_SPOT')
    ? `${architecture}, partly Spot, priced as on demand`
    : architecture;
  const units = (each: number): Pick<CostLine, 'quantity' | 'most'> => ({
    quantity: least * each * HOURS,
    ...(most !== undefined && most !== least && { most: most * each * HOURS }),
  });
  const count = most !== undefined && most !== least ? `${least} to ${most}` : `${least}`;
  const storage = numberOf((task?.EphemeralStorage as { SizeInGiB?: unknown } | undefined)?.SizeInGiB) ?? 0;
  return [
    {
      what: `${count} × ${cpu / 1024} vCPU, ${kind}`,
      price: `fargate/${architecture}/vcpu-hour`,
      ...units(cpu / 1024),
    },
    {
      what: `${count} × ${memory / 1024} GB memory, ${kind}`,
      price: `fargate/${architecture}/gb-hour`,
      ...units(memory / 1024),
    },
    ...(storage > FREE_STORAGE_GB
      ? [
          {
            what: `${count} × ${storage} GB disk, ${FREE_STORAGE_GB} of them free`,
            price: 'fargate/storage/gb-hour',
            ...units(storage - FREE_STORAGE_GB),
          },
        ]
      : []),
  ];
};

/** Tasks at least and, with scaling, at most. */
function taskCount(
  properties: Record<string, unknown>,
  resources: Record<string, Resource>,
  logicalId: string,
): { least?: number; most?: number } {
  const scaled = Object.values(resources).find(
    ({ Type, Properties }) =>
      Type === 'AWS::ApplicationAutoScaling::ScalableTarget' && mentions(Properties?.ResourceId, logicalId),
  );
  if (scaled) {
    return { least: numberOf(scaled.Properties?.MinCapacity), most: numberOf(scaled.Properties?.MaxCapacity) };
  }
  // What ECS takes for a count that is left out.
  return { least: 'DesiredCount' in properties ? numberOf(properties.DesiredCount) : 1 };
}

export const lambdaFunction: Pricer = ({ Architectures }) => {
  const architecture = JSON.stringify(Architectures ?? '').includes('arm64') ? 'arm' : 'x86';
  return [
    { what: `runs of functions, ${architecture}`, price: `lambda/${architecture}/gb-second` },
    { what: 'calls of functions', price: 'lambda/request' },
  ];
};

export const stateMachine: Pricer = ({ StateMachineType }) =>
  StateMachineType === 'EXPRESS'
    ? [{ what: 'express runs', unknown: 'express workflows have prices of their own' }]
    : [{ what: 'transitions', price: 'step-functions/transition' }];
