import { Token } from 'aws-cdk-lib';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { ILettaDatabase } from '../letta-database';
import { LettaDatabaseAttributes } from '../letta-database-props';
import { DATABASE_NAME, DATABASE_PORT } from './database-defaults';
import { grantDatabaseLogin } from './database-login';
import { requireHostRegion, requireRdsAuthority } from './rds-authorities';

/** A database that exists already, set up as `LettaDatabase` does it. */
export class ImportedDatabase extends Construct implements ILettaDatabase {
  readonly connections: ec2.Connections;
  readonly host: string;
  readonly port: number;
  readonly databaseName: string;
  readonly maxConnections?: number;
  readonly instanceIdentifier?: string;
  private readonly resourceId: string;

  constructor(scope: Construct, id: string, attrs: LettaDatabaseAttributes) {
    super(scope, id);
    requireRdsAuthority(this);
    requireHostRegion(this, attrs.host);
    if (!Token.isUnresolved(attrs.resourceId) && !/^(db|cluster)-[A-Z0-9]+$/.test(attrs.resourceId)) {
      throw new Error(
        `LettaDatabase ${this.node.path}: \`resourceId\` must be the instance's resource id, like ` +
          `'db-ABCDEFGHIJKLMNOPQRSTUVWXYZ', got '${attrs.resourceId}'; it is "Resource ID" on the instance's ` +
          'Configuration tab, not its identifier',
      );
    }
    this.host = attrs.host;
    this.port = attrs.port ?? DATABASE_PORT;
    this.databaseName = attrs.databaseName ?? DATABASE_NAME;
    this.maxConnections = attrs.maxConnections;
    this.instanceIdentifier = attrs.instanceIdentifier;
    this.resourceId = attrs.resourceId;
    this.connections = new ec2.Connections({
      securityGroups: [attrs.securityGroup],
      defaultPort: ec2.Port.tcp(this.port),
    });
  }

  grantConnect(grantee: iam.IGrantable, role: string): iam.Grant {
    return grantDatabaseLogin(this, this.resourceId, grantee, role);
  }
}
