import { App, CfnParameter, Stack } from 'aws-cdk-lib';
import * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import { BedrockAccess, BedrockModel, ILettaDatabase, LettaCache, LettaDatabase, LettaService } from '../../lib';
import { service } from './letta-service-support';

/** Two tasks, twice while they roll, of 35 connections each, and 20 in reserve. */
const TWO_TASKS = 160;
const TEN_TASKS = 2 * 10 * 35 + 20;

function synth({ stack }: { readonly stack: Stack }): void {
  (stack.node.root as App).synth();
}

/** A second service beside that of the support file. */
function another(stack: Stack, vpc: ec2.IVpc, database: ILettaDatabase, databaseConnectionReserve?: number): void {
  new LettaService(stack, 'Another', {
    vpc,
    http: true,
    database,
    cache: LettaCache.fromLettaCacheAttributes(stack, 'AnotherCache', {
      host: 'other.example.com',
      replicationGroupId: 'other-cache',
      userId: 'letta',
      securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'AnotherCacheGroup', 'sg-12345678'),
    }),
    bedrock: new BedrockAccess(stack, 'AnotherBedrock', {
      models: [BedrockModel.US_CLAUDE_SONNET_4_6],
      embeddings: [BedrockModel.TITAN_EMBED_TEXT_V2],
    }),
    databaseConnectionReserve,
  });
}

describe('autoscaling', () => {
  test("counts to its maximum: the tasks of `maxCapacity` fit the database, or synth says what doesn't", () => {
    const fits = service({}, TEN_TASKS);
    fits.service.service.autoScaleTaskCount({ maxCapacity: 10 });
    expect(() => synth(fits)).not.toThrow();

    const toomany = service({}, TEN_TASKS - 1);
    toomany.service.service.autoScaleTaskCount({ maxCapacity: 10 });
    expect(() => synth(toomany)).toThrow(
      `Test/Letta: the tasks may open ${TEN_TASKS} database connections (20 tasks while a deployment rolls, for the 10 of ` +
        "autoscaling's maxCapacity, × 1 uvicornWorkers × (25 pgPoolSize + 10 pgMaxOverflow) + 20 " +
        `databaseConnectionReserve), wanted at most the database's ${TEN_TASKS - 1}: lower one of them or use a larger`,
    );
  });

  test('counts the maximum that a schedule sets', () => {
    const made = service({}, TEN_TASKS - 1);
    const scaling = made.service.service.autoScaleTaskCount({ maxCapacity: 3 });
    scaling.scaleOnSchedule('Mornings', { schedule: appscaling.Schedule.cron({ hour: '8' }), maxCapacity: 10 });
    expect(() => synth(made)).toThrow("for the 10 of autoscaling's maxCapacity");
  });

  test('counts where it is made by hand, in any stack of the app', () => {
    const made = service({}, TEN_TASKS - 1);
    const other = new Stack(made.stack.node.root as App, 'Other');
    new appscaling.CfnScalableTarget(other, 'Target', {
      serviceNamespace: 'ecs',
      scalableDimension: 'ecs:service:DesiredCount',
      resourceId: `service/${made.service.cluster.clusterName}/${made.service.service.serviceName}`,
      minCapacity: 1,
      maxCapacity: 10,
    });
    expect(() => synth(made)).toThrow("for the 10 of autoscaling's maxCapacity");
  });

  test('of something else does not count', () => {
    const made = service({}, TWO_TASKS);
    new appscaling.CfnScalableTarget(made.stack, 'Target', {
      serviceNamespace: 'ecs',
      scalableDimension: 'ecs:service:DesiredCount',
      resourceId: 'service/cluster/another',
      minCapacity: 1,
      maxCapacity: 10,
    });
    expect(() => synth(made)).not.toThrow();
  });

  test('to fewer tasks than `desiredCount` leaves those, which a deployment starts', () => {
    const made = service({ desiredCount: 4 }, 2 * 4 * 35 + 20);
    made.service.service.autoScaleTaskCount({ maxCapacity: 1 });
    expect(() => synth(made)).not.toThrow();
  });

  test('to a number that only the deployment knows passes', () => {
    const made = service({}, TWO_TASKS);
    const most = new CfnParameter(made.stack, 'Most', { type: 'Number' }).valueAsNumber;
    made.service.service.autoScaleTaskCount({ maxCapacity: most });
    expect(() => synth(made)).not.toThrow();
  });

  test('passes where the limit of an imported database is not known', () => {
    const made = service();
    made.service.service.autoScaleTaskCount({ maxCapacity: 1000 });
    expect(() => synth(made)).not.toThrow();
  });
});

describe('services on the same database', () => {
  const two = (maxConnections: number, reserve?: number): ReturnType<typeof service> => {
    const made = service(({ stack, vpc, database }) => {
      another(stack, vpc, database, reserve);
      return {};
    }, maxConnections);
    return made;
  };

  test('share its connections, and keep the largest reserve of them', () => {
    expect(() => synth(two(2 * 140 + 30, 30))).not.toThrow();
    expect(() => synth(two(2 * 140 + 29, 30))).toThrow(
      'Test/Database: the services on this database may open 310 connections while their deployments roll (140 Test/Another + ' +
        "140 Test/Letta + 30 databaseConnectionReserve), wanted at most the database's 309: lower desiredCount, " +
        "autoscaling's maxCapacity, uvicornWorkers, pgPoolSize or pgMaxOverflow of one of them, or use a larger",
    );
  });

  test('are told of it once', () => {
    const error = (() => {
      try {
        synth(two(TWO_TASKS));
        return '';
      } catch (caught) {
        return (caught as Error).message;
      }
    })();
    expect(error.match(/the services on this database may open/g)).toHaveLength(1);
  });

  test('on databases of their own do not count together', () => {
    const made = service(({ stack, vpc }) => {
      const database = LettaDatabase.fromLettaDatabaseAttributes(stack, 'OtherDatabase', {
        host: 'other.example.com',
        resourceId: 'db-OTHEROTHEROTHEROTHEROTHERO',
        securityGroup: ec2.SecurityGroup.fromSecurityGroupId(stack, 'OtherGroup', 'sg-87654321'),
        maxConnections: TWO_TASKS,
      });
      another(stack, vpc, database);
      return {};
    }, TWO_TASKS);
    expect(() => synth(made)).not.toThrow();
  });
});

test('fails on a reserve that leaves no room for what Postgres and RDS keep for themselves', () => {
  expect(() => service({ databaseConnectionReserve: 4 })).toThrow(
    'Test/Letta: databaseConnectionReserve is 4, wanted a whole number from 5: change databaseConnectionReserve',
  );
});
