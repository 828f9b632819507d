import { arn } from '../account';
import { AwsError, type FakeService, type SignedCall, unknownOperation } from './service';

interface Snapshot {
  readonly identifier: string;
  readonly instance: string;
  readonly created: Date;
  readonly tags: Record<string, string>;
  status: 'creating' | 'available' | 'failed';
}

/** RDS, as far as the step before a migration asks it: manual snapshots, with name and tags. */
export class FakeRds implements FakeService {
  readonly host = 'rds';
  readonly signingName = 'rds';
  readonly snapshots: Snapshot[] = [];
  /** Takes the data of a snapshot. Without it there is nothing but its name. */
  takeData: () => Promise<void> = () => Promise.resolve();

  async handle(call: SignedCall): Promise<void> {
    const parameters = new URLSearchParams(call.request.body.toString('utf8'));
    const action = parameters.get('Action') ?? '';
    const instance = parameters.get('DBInstanceIdentifier') ?? '';
    const identifier = parameters.get('DBSnapshotIdentifier') ?? '';
    const [database, snapshot] = [arn('rds', `db:${instance}`), arn('rds', `snapshot:${identifier}`)];
    switch (action) {
      case 'CreateDBSnapshot':
        for (const resource of [database, snapshot]) call.authorize({ action: 'rds:CreateDBSnapshot', resource });
        call.authorize({ action: 'rds:AddTagsToResource', resource: snapshot });
        return this.create(call, instance, identifier, tagsOf(parameters));
      case 'DescribeDBSnapshots':
        call.authorize({ action: 'rds:DescribeDBSnapshots', resource: database });
        return this.describe(call, instance);
      case 'DeleteDBSnapshot':
        call.authorize({ action: 'rds:DeleteDBSnapshot', resource: snapshot });
        return this.delete(call, identifier);
      default:
        throw unknownOperation('RDS', action);
    }
  }

  private async create(
    call: SignedCall,
    instance: string,
    identifier: string,
    tags: Record<string, string>,
  ): Promise<void> {
    if (!/^[a-z](-?[a-z0-9])*$/i.test(identifier) || identifier.length > 255) {
      throw new AwsError('InvalidParameterValue', `${identifier} is no name of a snapshot`);
    }
    if (this.snapshots.some((each) => each.identifier === identifier)) {
      throw new AwsError('DBSnapshotAlreadyExists', `${identifier} exists`);
    }
    const snapshot: Snapshot = { identifier, instance, created: new Date(), tags, status: 'creating' };
    this.snapshots.push(snapshot);
    await this.takeData();
    answer(call, 'CreateDBSnapshot', xml('DBSnapshot', fieldsOf(snapshot)));
  }

  private describe(call: SignedCall, instance: string): void {
    const found = this.snapshots.filter((each) => each.instance === instance);
    const members = found.map((each) => xml('DBSnapshot', fieldsOf(each))).join('');
    answer(call, 'DescribeDBSnapshots', xml('DBSnapshots', members));
    // It takes its time: the one who asks again finds it done.
    for (const each of found) if (each.status === 'creating') each.status = 'available';
  }

  private delete(call: SignedCall, identifier: string): void {
    const at = this.snapshots.findIndex((each) => each.identifier === identifier);
    if (at < 0) throw new AwsError('DBSnapshotNotFound', `${identifier} not found`, 404);
    const [gone] = this.snapshots.splice(at, 1);
    answer(call, 'DeleteDBSnapshot', xml('DBSnapshot', fieldsOf(gone)));
  }
}

function tagsOf(parameters: URLSearchParams): Record<string, string> {
  const tags: Record<string, string> = {};
  for (let n = 1; parameters.has(`Tags.Tag.${n}.Key`); n++) {
    tags[parameters.get(`Tags.Tag.${n}.Key`)!] = parameters.get(`Tags.Tag.${n}.Value`) ?? '';
  }
  return tags;
}

function fieldsOf({ identifier, instance, created, status }: Snapshot): string {
  return [
    xml('DBSnapshotIdentifier', identifier),
    xml('DBInstanceIdentifier', instance),
    xml('SnapshotType', 'manual'),
    xml('Status', status),
    status === 'creating' ? '' : xml('SnapshotCreateTime', created.toISOString()),
  ].join('');
}

function xml(name: string, content: string): string {
  return `<${name}>${content}</${name}>`;
}

function answer(call: SignedCall, action: string, result: string): void {
  call.response.writeHead(200, { 'content-type': 'text/xml' });
  call.response.end(
    `<${action}Response xmlns="http://rds.amazonaws.com/doc/2014-10-31/">${xml(`${action}Result`, result)}` +
      `<ResponseMetadata><RequestId>lab</RequestId></ResponseMetadata></${action}Response>`,
  );
}
