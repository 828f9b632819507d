import { CloudWatchLogsClient, GetLogEventsCommand, ResourceNotFoundException } from '@aws-sdk/client-cloudwatch-logs';
import { setTimeout as sleep } from 'node:timers/promises';

const LINES = 100;

/** Which log stream, and how patient to be with it. */
export interface TaskLog {
  readonly logGroup: string;
  readonly logStream: string;
  /** Attempts to read a log that is still empty: it arrives a little after the task has stopped. @default 3 */
  readonly tries?: number;
  /** @default 2 seconds */
  readonly pauseMs?: number;
}

/**
 * Returns the last lines of a container's log, oldest first; none when it has written none or the log can't be read,
 * for then the exit code must be told nevertheless.
 */
export async function lastLines(client: CloudWatchLogsClient, log: TaskLog): Promise<string[]> {
  const { tries = 3, pauseMs = 2_000 } = log;
  for (let attempt = 1; ; attempt++) {
    const lines = await read(client, log);
    if (lines.length > 0 || attempt === tries) return lines;
    await sleep(pauseMs);
  }
}

async function read(client: CloudWatchLogsClient, log: TaskLog): Promise<string[]> {
  const request = { logGroupName: log.logGroup, logStreamName: log.logStream, limit: LINES, startFromHead: false };
  try {
    const { events = [] } = await client.send(new GetLogEventsCommand(request));
    return events.map((event) => event.message?.trimEnd() ?? '').filter((line) => line !== '');
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return [];
    return [`(the log could not be read: ${(error as Error).message})`];
  }
}
