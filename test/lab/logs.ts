import { appendFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';

/** One line a process printed, and when. */
export interface LogLine {
  readonly timestamp: number;
  readonly message: string;
}

/** A file of JSON lines: what one container printed, kept so that the fake CloudWatch Logs and the tests can read it. */
export class LogFile {
  private partial = '';

  constructor(readonly file: string) {
    mkdirSync(path.dirname(file), { recursive: true });
    appendFileSync(file, '');
  }

  /** Writes everything the stream carries, line by line. */
  follow(stream: Readable): void {
    stream.setEncoding('utf8');
    stream.on('data', (chunk: string) => {
      const lines = (this.partial + chunk).split('\n');
      this.partial = lines.pop() ?? '';
      for (const line of lines) this.write(line);
    });
    stream.on('end', () => {
      if (this.partial) this.write(this.partial);
      this.partial = '';
    });
  }

  write(message: string): void {
    appendFileSync(this.file, `${JSON.stringify({ timestamp: Date.now(), message })}\n`);
  }

  lines(): LogLine[] {
    return readLog(this.file);
  }

  tail(count = 25): string {
    const lines = this.lines();
    const shown = lines.slice(-count).map((line) => `  ${line.message}`);
    return [`  (${path.basename(this.file)}, last ${shown.length} of ${lines.length} lines)`, ...shown].join('\n');
  }
}

export function readLog(file: string): LogLine[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as LogLine);
}

/** Every log file under a folder. */
export function logFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.log'))
    .map((name) => path.join(folder, name));
}
