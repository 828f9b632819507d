import { Duration } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';

/** Properties of `ScheduledTask`. */
export interface ScheduledTaskProps {
  readonly schedule: events.Schedule;
  readonly description: string;
  readonly cluster: ecs.ICluster;
  readonly definition: ecs.FargateTaskDefinition;
  readonly vpc: ec2.IVpc;
  readonly vpcSubnets: ec2.SubnetSelection;
  readonly securityGroup: ec2.ISecurityGroup;
}

/**
 * A rule that starts a task. The CDK's own target would also allow to tag every task of the cluster, in every account, and to pass
 * the roles to any service.
 */
export class ScheduledTask extends Construct {
  readonly rule: events.Rule;

  constructor(scope: Construct, id: string, props: ScheduledTaskProps) {
    super(scope, id);
    const { cluster, definition } = props;
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('events.amazonaws.com'),
      description: 'Starts a task on a schedule',
    });
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['ecs:RunTask'],
        resources: [definition.taskDefinitionArn],
        conditions: { ArnEquals: { 'ecs:cluster': cluster.clusterArn } },
      }),
    );
    role.addToPolicy(
      new iam.PolicyStatement({
        actions: ['iam:PassRole'],
        resources: [definition.taskRole.roleArn, definition.obtainExecutionRole().roleArn],
        conditions: { StringEquals: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } },
      }),
    );
    this.rule = new events.Rule(this, 'Rule', { schedule: props.schedule, description: props.description });
    this.rule.addTarget({
      bind: () => ({
        arn: cluster.clusterArn,
        role,
        ecsParameters: {
          taskDefinitionArn: definition.taskDefinitionArn,
          taskCount: 1,
          launchType: ecs.LaunchType.FARGATE,
          platformVersion: ecs.FargatePlatformVersion.VERSION1_4,
          networkConfiguration: {
            awsVpcConfiguration: {
              subnets: props.vpc.selectSubnets(props.vpcSubnets).subnetIds,
              securityGroups: [props.securityGroup.securityGroupId],
              assignPublicIp: 'DISABLED',
            },
          },
        },
        retryPolicy: { maximumEventAgeInSeconds: Duration.hours(1).toSeconds(), maximumRetryAttempts: 3 },
      }),
    });
    this.rule.node.addDependency(role);
  }
}
