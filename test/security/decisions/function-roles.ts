import { Names, Path } from './names';
import { Table, type Row } from './table';

const INTERFACES = ['ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface'];

/** Functions of the deployment: each may take its one step. */
export function functionRoles(names: Names): Row[] {
  return [
    ...setup(names),
    ...prefixList(names),
    ...startMigration(names),
    ...watchMigration(names),
    ...frameworks(names),
    ...network(names),
  ];
}

/** The one function that ever sees the master's password. It runs in the VPC. */
function setup(names: Names): Row[] {
  const { deployment } = names;
  const code = {
    'lambda:SourceFunctionArn': deployment.attribute('AWS::Lambda::Function', 'Database/Setup/Step/Function', 'Arn'),
  };
  const master = new Table(deployment.role(Path.SETUP), { context: code })
    .allows("the database master's secret", ['secretsmanager:GetSecretValue'], [names.masterSecret])
    .denies(
      "changes of the master's secret",
      ['secretsmanager:PutSecretValue', 'secretsmanager:RotateSecret'],
      [names.masterSecret],
    )
    .denies('the API password', ['secretsmanager:GetSecretValue'], [names.apiPassword])
    .denies('models', ['bedrock:InvokeModel'], [names.model('amazon.titan-embed-text-v2:0')])
    .denies(
      'the database by token: it logs in as the master, by password',
      ['rds-db:connect'],
      [names.databaseUser('letta_migrator'), names.databaseUser('letta_runtime')],
    )
    .denies('its network interfaces, in its own code', INTERFACES, [deployment.arn('ec2', 'network-interface/eni-1')], {
      from: 'internet',
    });
  const lambda = new Table(deployment.role(Path.SETUP), { from: 'internet' })
    .allows('its network interfaces, when Lambda makes them', INTERFACES, [
      deployment.arn('ec2', 'network-interface/eni-1'),
    ])
    .allows('the lists that Lambda looks at', ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'], ['*'])
    .denies(
      'rules of security groups',
      ['ec2:AuthorizeSecurityGroupEgress'],
      [deployment.arn('ec2', 'security-group/sg-1')],
    )
    .denies('routes', ['ec2:CreateRoute'], [deployment.arn('ec2', 'route-table/rtb-1')]);
  return [...master.rows, ...lambda.rows];
}

function prefixList(names: Names): Row[] {
  const { deployment } = names;
  return new Table(deployment.role(Path.PREFIX_LIST), { from: 'internet' })
    .allows('the prefix lists of the region', ['ec2:DescribeManagedPrefixLists'], ['*'])
    .denies('other lists of EC2', ['ec2:DescribeInstances', 'ec2:DescribeVpcs', 'ec2:DescribeSecurityGroups'], ['*'])
    .denies('changes of a prefix list', ['ec2:ModifyManagedPrefixList'], [deployment.arn('ec2', 'prefix-list/pl-1')])
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret]).rows;
}

function startMigration(names: Names): Row[] {
  const { deployment } = names;
  const task = deployment.ref('AWS::ECS::TaskDefinition', 'Service/Migration/Task/Definition');
  const server = deployment.ref('AWS::ECS::TaskDefinition', 'Service/Task/Definition');
  const cluster = (name: string): { context: Record<string, string> } => ({ context: { 'ecs:cluster': name } });
  const own = cluster(deployment.attribute('AWS::ECS::Cluster', 'Service/Cluster', 'Arn'));
  const withCommands = (enabled: string): { context: Record<string, string> } => ({
    context: { ...own.context, 'ecs:enable-execute-command': enabled },
  });
  const toTasks = { context: { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' } };
  return new Table(deployment.role(Path.START_MIGRATION), { from: 'internet' })
    .allows(
      'the migration, in any revision: a rollback runs an older one',
      ['ecs:RunTask'],
      [task, task.replace(/:1$/, ':7')],
      own,
    )
    .denies(
      'the migration in another cluster',
      ['ecs:RunTask'],
      [task],
      cluster(deployment.arn('ecs', 'cluster/other')),
    )
    .allows('the migration, said to take no commands', ['ecs:RunTask'], [task], withCommands('false'))
    .denies('the migration, open to commands', ['ecs:RunTask'], [task], withCommands('true'))
    .denies('other tasks', ['ecs:RunTask'], [server, deployment.arn('ecs', 'task-definition/other:1')], own)
    .denies(
      'a changed task definition, and commands in a task',
      ['ecs:ExecuteCommand', 'ecs:StopTask'],
      [deployment.arn('ecs', 'task/Cluster/1234')],
    )
    .allows(
      "the migration's roles, to ECS tasks",
      ['iam:PassRole'],
      [names.role(Path.MIGRATION), names.role(Path.MIGRATION_EXECUTION)],
      toTasks,
    )
    .denies("the migration's roles, to other services", ['iam:PassRole'], [names.role(Path.MIGRATION)], {
      context: { 'iam:PassedToService': 'lambda.amazonaws.com' },
    })
    .denies(
      'other roles',
      ['iam:PassRole'],
      [
        names.role(Path.TASK),
        names.role(Path.EXECUTION),
        names.role(Path.SETUP),
        `arn:aws:iam::${deployment.account}:role/Administrator`,
      ],
      toTasks,
    )
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
    .denies('the database', ['rds-db:connect'], [names.databaseUser('letta_migrator')]).rows;
}

function watchMigration(names: Names): Row[] {
  const { deployment } = names;
  const cluster = deployment.attribute('AWS::ECS::Cluster', 'Service/Cluster', 'Arn');
  const task = deployment.arn('ecs', `task/${cluster.split('cluster/')[1]}/1234`);
  const own = { context: { 'ecs:cluster': cluster } };
  const [database] = deployment.ofType('AWS::RDS::DBInstance');
  const instance = String(database.template.resolve({ Ref: database.id }));
  return new Table(deployment.role(Path.WATCH_MIGRATION), { from: 'internet' })
    .allows('the tasks of its cluster', ['ecs:DescribeTasks'], [task], own)
    .denies('tasks of other clusters', ['ecs:DescribeTasks'], [deployment.arn('ecs', 'task/other/1234')], {
      context: { 'ecs:cluster': deployment.arn('ecs', 'cluster/other') },
    })
    .denies('starting and stopping tasks', ['ecs:StopTask'], [task], own)
    .allows(
      'what alembic and its gateway said',
      ['logs:GetLogEvents'],
      ['letta', 'gateway'].map((container) => names.stream('Service/Migration/Task/Logs', `task/${container}/1234`)),
    )
    .denies("the server's log", ['logs:GetLogEvents'], [names.stream('Service/Task/Logs')])
    .allows(
      'a snapshot before a migration',
      ['rds:CreateDBSnapshot', 'rds:DeleteDBSnapshot'],
      [deployment.arn('rds', `snapshot:${instance}-before-migration-0123456789ab`)],
    )
    .denies(
      'deleting another snapshot',
      ['rds:DeleteDBSnapshot'],
      [deployment.arn('rds', `snapshot:rds:${instance}-2026-01-01`)],
    )
    .denies(
      'the database itself',
      ['rds:DeleteDBInstance', 'rds:ModifyDBInstance'],
      [deployment.arn('rds', `db:${instance}`)],
    )
    .allows(
      "its own stack's status",
      ['cloudformation:DescribeStacks'],
      [deployment.only('AWS::ECS::Cluster', 'Service/Cluster').template.resolve({ Ref: 'AWS::StackId' }) as string],
    )
    .denies(
      'other stacks',
      ['cloudformation:DescribeStacks'],
      [deployment.arn('cloudformation', 'stack/Payroll/1ab2c3d4')],
    )
    .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret]).rows;
}

/** The functions of the CDK's framework, which only call ours. */
function frameworks(names: Names): Row[] {
  const { deployment } = names;
  const arn = (name: string): string => deployment.attribute('AWS::Lambda::Function', name, 'Arn');
  const own: Record<string, string[]> = {
    'S3PrefixList/Lookup/Provider/framework-onEvent/ServiceRole': ['S3PrefixList/Lookup/Function'],
    'Database/Setup/Step/Provider/framework-onEvent/ServiceRole': ['Database/Setup/Step/Function'],
    'Service/Migration/Provider/framework-onEvent/ServiceRole': ['Service/Migration/OnEvent'],
    'Service/Migration/Provider/framework-isComplete/ServiceRole': ['Service/Migration/IsComplete'],
    'Service/Migration/Provider/waiter-state-machine/Role': [
      'Service/Migration/Provider/framework-isComplete',
      'Service/Migration/Provider/framework-onTimeout',
    ],
  };
  const functions = [...new Set(Object.values(own).flat())];
  return Object.entries(own).flatMap(([role, callees]) => {
    const table = new Table(deployment.role(role), { from: 'internet' })
      .allows('its step', ['lambda:InvokeFunction'], callees.map(arn))
      .denies(
        'changes of its step',
        ['lambda:UpdateFunctionCode', 'lambda:UpdateFunctionConfiguration'],
        callees.map(arn),
      )
      .denies('secrets', ['secretsmanager:GetSecretValue'], [names.apiPassword, names.masterSecret])
      .denies(
        'tasks',
        ['ecs:RunTask'],
        [deployment.ref('AWS::ECS::TaskDefinition', 'Service/Migration/Task/Definition')],
      )
      .denies(
        "a function that is not the deployment's",
        ['lambda:InvokeFunction'],
        [deployment.arn('lambda', 'function:payroll')],
      );
    const foreign = functions.filter((name) => name.split('/')[0] !== role.split('/')[0] && !callees.includes(name));
    return table.denies('steps of others', ['lambda:InvokeFunction'], foreign.map(arn)).rows;
  });
}

/** Roles of the network: what writes flow logs, and what empties the default security group. */
function network(names: Names): Row[] {
  const { deployment } = names;
  const group = deployment.attribute('AWS::EC2::VPC', 'Vpc', 'DefaultSecurityGroup');
  const rules = [
    'ec2:AuthorizeSecurityGroupIngress',
    'ec2:AuthorizeSecurityGroupEgress',
    'ec2:RevokeSecurityGroupIngress',
    'ec2:RevokeSecurityGroupEgress',
  ];
  const flowLogs = new Table(deployment.role(Path.FLOW_LOG), { from: 'internet' })
    .allows(
      'its log streams',
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      [names.stream('Network/FlowLogGroup', 'eni-1-all')],
    )
    .denies('logs of others', ['logs:CreateLogStream', 'logs:PutLogEvents'], [names.stream('Service/Task/Logs')])
    .denies('reading', ['logs:GetLogEvents'], [names.stream('Network/FlowLogGroup', 'eni-1-all')]);
  const emptied = new Table(deployment.role('Custom::VpcRestrictDefaultSGCustomResourceProvider/Role'), {
    from: 'internet',
  })
    .allows("rules of the VPC's default security group", rules, [deployment.arn('ec2', `security-group/${group}`)])
    .denies('rules of other security groups', rules, [
      deployment.arn(
        'ec2',
        `security-group/${deployment.attribute('AWS::EC2::SecurityGroup', 'Service/SecurityGroup', 'GroupId')}`,
      ),
      deployment.arn(
        'ec2',
        `security-group/${deployment.attribute('AWS::EC2::SecurityGroup', 'Database/SecurityGroup', 'GroupId')}`,
      ),
      deployment.arn('ec2', 'security-group/sg-1'),
    ]);
  return [...flowLogs.rows, ...emptied.rows];
}
