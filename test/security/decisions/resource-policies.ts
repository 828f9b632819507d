import { FOREIGN_ADMINISTRATOR, OWN_ADMINISTRATOR, service } from '../access';
import type { PolicyDocument } from '../deployment';
import { Names } from './names';
import { Table, type Row } from './table';

/** Buckets and trust: what a resource's own policy says. */
export function resourcePolicies(names: Names): Row[] {
  return [...accessLogs(names), ...trust(names)];
}

function accessLogs(names: Names): Row[] {
  const { deployment } = names;
  const name = 'Service/LoadBalancer/AccessLogs';
  const bucket = deployment.attribute('AWS::S3::Bucket', name, 'Arn');
  const where = {
    from: 'internet' as const,
    owner: deployment.account,
    resourcePolicy: deployment.resourcePolicy('bucket', name),
    context: { 's3:TlsVersion': '1.3' },
  };
  const object = `${bucket}/AWSLogs/${deployment.account}/elasticloadbalancing/x.log.gz`;
  const withContext = (context: Record<string, string>): object => ({
    context: { 's3:TlsVersion': '1.3', ...context },
  });
  return [
    ...new Table(service('logdelivery.elasticloadbalancing.amazonaws.com'), where)
      .allows("the load balancer's logs", ['s3:PutObject'], [object])
      .denies(
        'logs under the name of another account',
        ['s3:PutObject'],
        [object.replace(deployment.account, '999988887777')],
      )
      .denies('reading logs', ['s3:GetObject'], [object]).rows,
    ...new Table(service('delivery.logs.amazonaws.com'), where).denies(
      'logs of another service',
      ['s3:PutObject'],
      [object],
    ).rows,
    ...new Table(FOREIGN_ADMINISTRATOR, where).denies(
      'the logs',
      ['s3:GetObject', 's3:PutObject', 's3:DeleteObject'],
      [object],
    ).rows,
    ...new Table(OWN_ADMINISTRATOR, where)
      .allows('the logs, for an administrator', ['s3:GetObject'], [object])
      .denies(
        'the logs without TLS, even for an administrator',
        ['s3:GetObject'],
        [object],
        withContext({ 'aws:SecureTransport': 'false' }),
      )
      .denies(
        'the logs by an old TLS, even for an administrator',
        ['s3:GetObject'],
        [object],
        withContext({ 's3:TlsVersion': '1.1' }),
      ).rows,
  ];
}

/** Each role of the deployment is taken by one service and by nobody else. */
function trust(names: Names): Row[] {
  const { deployment } = names;
  const services: Record<string, RegExp> = {
    'ecs-tasks.amazonaws.com': /Task\/Definition\/(Task|Execution)Role$/,
    'states.amazonaws.com': /waiter-state-machine\/Role$/,
    'vpc-flow-logs.amazonaws.com': /FlowLog\/IAMRole$/,
    'lambda.amazonaws.com': /.*/,
  };
  /** What the services say that they act for, where AWS documents that they do. */
  const sources: Record<string, [string, string]> = {
    'Task/Definition/TaskRole': ['ecs', 'task/Cluster/1234'],
    'FlowLog/IAMRole': ['ec2', 'vpc-flow-log/fl-1234'],
  };
  return deployment.roles().flatMap((role) => {
    const own = Object.keys(services).find((name) => services[name].test(role.name))!;
    const source = Object.entries(sources).find(([path]) => role.name.endsWith(path))?.[1];
    const bySource = (account: string): Record<string, string> => ({
      'aws:SourceAccount': account,
      ...(source && { 'aws:SourceArn': deployment.arn(source[0], source[1], undefined, account) }),
    });
    const where = {
      from: 'internet' as const,
      resourcePolicy: role.trust as PolicyDocument,
      context: bySource(deployment.account),
    };
    const assume = ['sts:AssumeRole'];
    return [
      ...new Table(service(own), where).allows(`${role.name}, for ${own}`, assume, [role.arn]).rows,
      ...(source
        ? new Table(service(own), { ...where, context: bySource('999988887777') }).denies(
            `${role.name}, for what is another account's`,
            assume,
            [role.arn],
          ).rows
        : []),
      ...Object.keys(services)
        .filter((name) => name !== own)
        .flatMap(
          (name) => new Table(service(name), where).denies(`${role.name}, for ${name}`, assume, [role.arn]).rows,
        ),
      ...new Table(OWN_ADMINISTRATOR, where).denies(`${role.name}, for an administrator`, assume, [role.arn]).rows,
      ...new Table(FOREIGN_ADMINISTRATOR, where).denies(`${role.name}, for another account`, assume, [role.arn]).rows,
    ];
  });
}
