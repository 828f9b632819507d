import { App, Duration, Lazy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { LettaServiceProps, TurnScalingProps } from '../../lib';
import { containers, environment, service } from './letta-service-support';

function scaled(props: TurnScalingProps, of: Partial<LettaServiceProps> = {}) {
  const made = service(of);
  const scaling = made.service.scaleOnTurns(props);
  return { ...made, scaling };
}

const policyOf = (made: ReturnType<typeof scaled>) => {
  const [policy] = Object.values(made.template().findResources('AWS::ApplicationAutoScaling::ScalingPolicy'));
  return policy.Properties.TargetTrackingScalingPolicyConfiguration;
};

test('tasks follow the turns in flight that the gateways of this service count, on average', () => {
  const made = scaled({ minCapacity: 3, maxCapacity: 9, turnsPerTask: 20 });
  made.template().hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
    MinCapacity: 3,
    MaxCapacity: 9,
    ScalableDimension: 'ecs:service:DesiredCount',
  });
  const name = environment(containers(made.template()).gateway).GATEWAY_SERVICE_NAME;
  expect(policyOf(made)).toEqual({
    CustomizedMetricSpecification: {
      Dimensions: [{ Name: 'Service', Value: name }],
      MetricName: 'TurnsInFlight',
      Namespace: 'CdkLetta',
      Statistic: 'Average',
    },
    ScaleInCooldown: 600,
    ScaleOutCooldown: 120,
    TargetValue: 20,
  });
});

test('with nothing said, half of what a task takes at once, and no fewer tasks than desiredCount', () => {
  const made = scaled({ maxCapacity: 9 }, { desiredCount: 4, maxConcurrentTurns: 50 });
  expect(policyOf(made).TargetValue).toBe(25);
  made.template().hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', { MinCapacity: 4 });
});

test('a deployment leaves the number of tasks as it is', () => {
  const count = (made: ReturnType<typeof service>) =>
    Object.values(made.template().findResources('AWS::ECS::Service'))[0].Properties.DesiredCount;
  expect(count(service())).toBe(2);
  expect(count(scaled({ maxCapacity: 4 }))).toBeUndefined();
});

test('scaling in waits as long as a task drains, and five minutes at least', () => {
  const cooldown = (deregistrationDelay: Duration, idleTimeout: Duration, scaleInCooldown?: Duration) =>
    policyOf(scaled({ maxCapacity: 4, scaleInCooldown }, { deregistrationDelay, idleTimeout })).ScaleInCooldown;
  const ten = Duration.minutes(10);
  expect(cooldown(Duration.minutes(30), ten)).toBe(1800);
  expect(cooldown(Duration.minutes(30), ten, Duration.seconds(60))).toBe(60);
});

test('a schedule can be added', () => {
  const made = scaled({ maxCapacity: 4 });
  made.scaling.scaleOnSchedule('Mornings', { schedule: appscaling.Schedule.cron({ hour: '8' }), minCapacity: 3 });
  made.template().hasResourceProperties('AWS::ApplicationAutoScaling::ScalableTarget', {
    ScheduledActions: [Match.objectLike({ ScalableTargetAction: { MinCapacity: 3 } })],
  });
});

describe('protection of tasks with long work', () => {
  const actions = (made: ReturnType<typeof service>) =>
    Object.values(made.template().findResources('AWS::IAM::Policy'))
      .flatMap((policy) => policy.Properties.PolicyDocument.Statement)
      .filter(({ Action }) => JSON.stringify(Action).includes('TaskProtection'));

  test('is asked for by the gateway, which may do that and nothing else, for tasks of its cluster', () => {
    const made = scaled({ maxCapacity: 4 });
    expect(environment(containers(made.template()).gateway).GATEWAY_TASK_PROTECTION).toBe('true');
    const [cluster] = Object.keys(made.template().findResources('AWS::ECS::Cluster'));
    expect(actions(made)).toEqual([
      {
        Action: 'ecs:UpdateTaskProtection',
        Effect: 'Allow',
        Resource: {
          'Fn::Join': [
            '',
            [
              'arn:',
              { Ref: 'AWS::Partition' },
              ':ecs:',
              { Ref: 'AWS::Region' },
              ':',
              { Ref: 'AWS::AccountId' },
              ':task/',
              { Ref: cluster },
              '/*',
            ],
          ],
        },
      },
    ]);
  });

  test('is not there without scaling', () => {
    const made = service();
    expect(environment(containers(made.template()).gateway)).not.toHaveProperty('GATEWAY_TASK_PROTECTION');
    expect(actions(made)).toEqual([]);
  });

  test('names a cluster that was brought', () => {
    const made = service(({ stack, vpc }) => ({
      cluster: ecs.Cluster.fromClusterAttributes(stack, 'Brought', { clusterName: 'agents', vpc, securityGroups: [] }),
    }));
    made.service.scaleOnTurns({ maxCapacity: 4 });
    expect(JSON.stringify(actions(made)[0].Resource)).toContain(':task/agents/*');
  });
});

test("counts as autoscaling does: its tasks' connections must fit the database", () => {
  const made = service({}, 159 + 2 * 2 * 35);
  made.service.scaleOnTurns({ maxCapacity: 4 });
  expect(() => (made.stack.node.root as App).synth()).toThrow("for the 4 of autoscaling's maxCapacity");
});

test.each<[string, TurnScalingProps, Partial<LettaServiceProps>, string]>([
  [
    'no task at all, where nobody would count',
    { minCapacity: 0, maxCapacity: 4 },
    {},
    'Test/Letta: minCapacity is 0, wanted a whole number from 1: change minCapacity',
  ],
  ['a fraction of a task', { maxCapacity: 2.5 }, {}, 'Test/Letta: maxCapacity is 2.5, wanted a whole number from 1'],
  [
    'a minimum above the maximum',
    { maxCapacity: 1 },
    {},
    'Test/Letta: minCapacity is 2 and maxCapacity 1, wanted at most as many: raise maxCapacity, or give a minCapacity',
  ],
  [
    'more turns than a task ever has',
    { maxCapacity: 4, turnsPerTask: 64 },
    {},
    'Test/Letta: turnsPerTask is 64, wanted more than 0 and less than maxConcurrentTurns, 64:',
  ],
  ['nothing at all', undefined as unknown as TurnScalingProps, {}, 'Test/Letta: scaleOnTurns got undefined, wanted'],
  [
    'a number of turns as text',
    { maxCapacity: 4, turnsPerTask: '3' as unknown as number },
    {},
    "Test/Letta: turnsPerTask is '3', wanted a number",
  ],
  [
    'a cooldown as a number',
    { maxCapacity: 4, scaleInCooldown: 60 as unknown as Duration },
    {},
    'Test/Letta: scaleInCooldown is 60, wanted a Duration',
  ],
  ['no turns', { maxCapacity: 4, turnsPerTask: 0 }, {}, 'turnsPerTask is 0, wanted more than 0'],
  [
    'half of what only the deployment knows',
    { maxCapacity: 4 },
    { maxConcurrentTurns: Lazy.number({ produce: () => 8 }) },
    'maxConcurrentTurns',
  ],
  [
    'half a second of cooldown',
    { maxCapacity: 4, scaleOutCooldown: Duration.millis(500) },
    {},
    'Test/Letta: scaleOutCooldown is 0.5 s',
  ],
  [
    'a drain that cuts turns',
    { maxCapacity: 4 },
    { deregistrationDelay: Duration.seconds(30) },
    'Test/Letta: deregistrationDelay is 30 s and idleTimeout 600 s, wanted a deregistrationDelay of at least 600 s',
  ],
])('%s is refused', (_, props, of, message) => {
  expect(() => scaled(props, of)).toThrow(message);
});

test('an idle time-out beyond what a load balancer drains is drained for as long as it can', () => {
  const of = { idleTimeout: Duration.seconds(4000), deregistrationDelay: Duration.seconds(3600) };
  expect(() => scaled({ maxCapacity: 4 }, of)).not.toThrow();
});
