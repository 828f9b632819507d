import { existsSync } from 'node:fs';
import path from 'node:path';
import { arn } from '../account';
import { readLog } from '../logs';
import { AwsError, type FakeService, jsonOperation, type SignedCall, unknownOperation } from './service';

interface GetLogEvents {
  readonly logGroupName?: string;
  readonly logStreamName: string;
  readonly limit?: number;
  readonly startFromHead?: boolean;
}

/** CloudWatch Logs: reads what the lab's containers printed, at `<folder>/<log group>/<stream>.log`. */
export class FakeLogs implements FakeService {
  readonly host = 'logs';
  readonly signingName = 'logs';

  constructor(private readonly folder: string) {}

  /** The file that stands for a log stream. */
  file(group: string, stream: string): string {
    return path.join(this.folder, group.replace(/^\//, ''), `${stream}.log`);
  }

  async handle(call: SignedCall): Promise<void> {
    const { name, input } = jsonOperation<GetLogEvents>(call.request);
    if (name !== 'GetLogEvents' || !input.logGroupName) throw unknownOperation('CloudWatch Logs', name);
    call.authorize({
      action: 'logs:GetLogEvents',
      resource: arn('logs', `log-group:${input.logGroupName}:log-stream:${input.logStreamName}`),
    });
    const file = this.file(input.logGroupName, input.logStreamName);
    if (!existsSync(file)) throw new AwsError('ResourceNotFoundException', 'The specified log stream does not exist.');
    const lines = readLog(file);
    const limit = Math.min(input.limit ?? 10_000, 10_000);
    const events = input.startFromHead ? lines.slice(0, limit) : lines.slice(-limit);
    call.json({
      events: events.map((line) => ({ ...line, ingestionTime: line.timestamp })),
      nextForwardToken: 'f/lab',
      nextBackwardToken: 'b/lab',
    });
  }
}
