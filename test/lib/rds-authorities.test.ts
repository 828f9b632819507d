import { Stack } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { LettaDatabase } from '../../lib';
import { REGIONS_WITH_RDS_AUTHORITY } from '../../lib/private/rds-authorities';
import { Template, testStack } from './support';

describe('authorities of RDS', () => {
  test('fails in a region whose database the gateway could not verify', () => {
    const stack = testStack({ account: '111122223333', region: 'mx-central-1' });
    expect(() =>
      LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
        host: 'database.example',
        resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
      }),
    ).toThrow(/no RDS authority of region 'mx-central-1'.*wanted one of af-south-1/);
  });

  describe('of an imported database whose name tells its region', () => {
    const imported = (stack: Stack, host: string) =>
      LettaDatabase.fromLettaDatabaseAttributes(stack, 'Database', {
        host,
        resourceId: 'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ',
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
      });

    test('fails at synth though the stack does not know its own', () => {
      expect(() => imported(testStack(), 'letta.abc.mx-central-1.rds.amazonaws.com')).toThrow(
        /no RDS authority of region 'mx-central-1'/,
      );
    });

    test('fails for another one than the stack’s, where no login would ever be accepted', () => {
      const stack = testStack({ account: '111122223333', region: 'eu-central-1' });
      expect(() => imported(stack, 'letta.abc.eu-west-1.rds.amazonaws.com')).toThrow(
        "LettaDatabase Test/Database: `host` 'letta.abc.eu-west-1.rds.amazonaws.com' is in region 'eu-west-1', wanted a " +
          "database in the stack's region 'eu-central-1'",
      );
    });

    test('takes the stack’s, and a name of its owner’s', () => {
      const env = { account: '111122223333', region: 'eu-central-1' };
      expect(() => imported(testStack(env), 'letta.abc.eu-central-1.rds.amazonaws.com')).not.toThrow();
      expect(() => imported(testStack(env), 'letta.example.com')).not.toThrow();
    });
  });

  describe('where only the deployment knows the region', () => {
    const database = (stack: Stack): Template => {
      const subnetConfiguration = [{ name: 'Isolated', subnetType: ec2.SubnetType.PRIVATE_ISOLATED }];
      const vpc = new ec2.Vpc(stack, 'Vpc', { availabilityZones: ['a', 'b'], subnetConfiguration });
      new LettaDatabase(stack, 'Database', { vpc });
      return Template.fromStack(stack);
    };
    const setUpOf = (template: Template) => Object.values(template.findResources('Custom::LettaDatabaseSetup'))[0];

    test('a resource looks it up in a mapping of exactly the known ones, which CloudFormation refuses elsewhere', () => {
      const template = database(testStack());
      const [[name, mapping]] = Object.entries(template.toJSON().Mappings as Record<string, object>);
      expect(Object.keys(mapping).sort()).toEqual([...REGIONS_WITH_RDS_AUTHORITY].sort());
      for (const [region, value] of Object.entries(mapping)) expect(value).toEqual({ region });
      expect(setUpOf(template).Properties.region).toEqual({
        'Fn::FindInMap': [name, { Ref: 'AWS::Region' }, 'region'],
      });
    });

    test('a known one is written as it is, without a mapping', () => {
      const template = database(testStack({ account: '111122223333', region: 'eu-central-1' }));
      expect(template.toJSON().Mappings).toBeUndefined();
      expect(setUpOf(template).Properties.region).toBe('eu-central-1');
    });
  });
});
