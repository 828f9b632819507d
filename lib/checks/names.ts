import { Templates, text } from './template';

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
