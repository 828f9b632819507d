import { list, Resource, Templates, text } from './template';

/** Properties that may name a resource by the name it was given: of what type it is, and which property gives it. */
const BY_NAME: Record<string, Record<string, [type: string, name: string]>> = {
  'AWS::ECS::Service': { TaskDefinition: ['AWS::ECS::TaskDefinition', 'Family'] },
  'AWS::ECS::TaskDefinition': {
    TaskRoleArn: ['AWS::IAM::Role', 'RoleName'],
    ExecutionRoleArn: ['AWS::IAM::Role', 'RoleName'],
  },
  'AWS::Lambda::Function': { Role: ['AWS::IAM::Role', 'RoleName'] },
  'AWS::IAM::Policy': { Roles: ['AWS::IAM::Role', 'RoleName'] },
  'AWS::IAM::ManagedPolicy': { Roles: ['AWS::IAM::Role', 'RoleName'] },
  'AWS::IAM::RolePolicy': { RoleName: ['AWS::IAM::Role', 'RoleName'] },
  'AWS::RDS::DBInstance': {
    DBSubnetGroupName: ['AWS::RDS::DBSubnetGroup', 'DBSubnetGroupName'],
    DBParameterGroupName: ['AWS::RDS::DBParameterGroup', 'DBParameterGroupName'],
  },
  'AWS::RDS::DBCluster': {
    DBSubnetGroupName: ['AWS::RDS::DBSubnetGroup', 'DBSubnetGroupName'],
    DBClusterParameterGroupName: ['AWS::RDS::DBClusterParameterGroup', 'DBClusterParameterGroupName'],
  },
};

/** Roles of tasks and functions that the app does not make, and gives policies by their names. */
export function importedRoles(templates: Templates): Resource[] {
  const own = new Set(templates.ofType('AWS::IAM::Role').map(({ properties }) => text(properties.RoleName ?? '')));
  const policies = templates.ofType('AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::RolePolicy');
  const used = templates
    .ofType('AWS::ECS::TaskDefinition', 'AWS::Lambda::Function')
    .flatMap(({ properties: { TaskRoleArn, ExecutionRoleArn, Role } }) => [TaskRoleArn, ExecutionRoleArn, Role])
    .map((arn) => /:role\/(?:.*\/)?([\w+=,.@-]+)$/.exec(text(arn ?? ''))?.[1]);
  return [...new Set(used)].flatMap((name) => {
    const policy = policies.find(({ properties: { Roles, RoleName } }) =>
      list([Roles, RoleName].flat()).includes(name),
    );
    if (!name || own.has(name) || !policy) return [];
    const { stackName, logicalId, key } = policy;
    const properties = { RoleName: name };
    return [
      { stackName, logicalId, key: `${key}Role`, type: 'AWS::IAM::Role', properties, dependsOn: [], imported: true },
    ];
  });
}

/** Makes a reference of what names a resource by the name that it was given, or by an ARN that ends in it. */
export function followNames(templates: Templates): void {
  const names = new Map<string, string>();
  for (const [type, property] of Object.values(BY_NAME).flatMap((properties) => Object.values(properties))) {
    for (const { key, properties } of templates.ofType(type)) {
      if (properties[property] !== undefined) names.set(`${type} ${text(properties[property])}`, `<${key}>`);
    }
  }
  for (const { type, properties } of templates.resources) {
    for (const [property, [target]] of Object.entries(BY_NAME[type] ?? {})) {
      const reference = (value: unknown): unknown => {
        const written = text(value);
        const name = written.replace(/^arn:.*\//, '').replace(/:\d+$/, '');
        return names.get(`${target} ${written}`) ?? names.get(`${target} ${name}`) ?? value;
      };
      const value = properties[property];
      if (value !== undefined) properties[property] = Array.isArray(value) ? value.map(reference) : reference(value);
    }
  }
}
