import { AwsError, type FakeService, type SignedCall, unknownOperation } from './service';

/** CloudFormation, as far as the migration step asks it: what the stack is doing. */
export class FakeCloudFormation implements FakeService {
  readonly host = 'cloudformation';
  readonly signingName = 'cloudformation';
  /** Status of the stack. */
  status = 'CREATE_IN_PROGRESS';

  /** @param stackId ARN of the one stack there is */
  constructor(private readonly stackId: string) {}

  async handle(call: SignedCall): Promise<void> {
    const parameters = new URLSearchParams(call.request.body.toString('utf8'));
    const action = parameters.get('Action') ?? '';
    if (action !== 'DescribeStacks') throw unknownOperation('CloudFormation', action);
    const stack = parameters.get('StackName') ?? '*';
    call.authorize({ action: 'cloudformation:DescribeStacks', resource: stack });
    if (stack !== this.stackId) throw new AwsError('ValidationError', `Stack with id ${stack} does not exist`);
    call.response.writeHead(200, { 'content-type': 'text/xml' });
    call.response.end(
      '<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><DescribeStacksResult><Stacks>' +
        `<member><StackId>${stack}</StackId><StackName>LettaBedrockStack</StackName>` +
        `<CreationTime>2025-01-01T00:00:00Z</CreationTime><StackStatus>${this.status}</StackStatus></member>` +
        '</Stacks></DescribeStacksResult><ResponseMetadata><RequestId>lab</RequestId></ResponseMetadata></DescribeStacksResponse>',
    );
  }
}
