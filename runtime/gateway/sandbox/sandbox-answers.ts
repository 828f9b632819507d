import { SandboxMaximum, SandboxPackageAnswer, SandboxRunAnswer } from '../../contract';
import { Fields, isObject } from '../foreign-json';
import { SandboxFailure } from './sandbox-failure';

const OUTCOMES: readonly unknown[] = ['result', 'error', 'timeout', 'memory', 'died', 'size'];
const MAX_MISSING = 64;

/** What the sandbox answers is judged like a caller's own words: code of a caller's ran beside it. @throws SandboxFailure */
export function runAnswer(value: unknown): SandboxRunAnswer {
  if (!isObject(value) || !OUTCOMES.includes(value.outcome)) throw nonsense();
  const outcome = value.outcome as SandboxRunAnswer['outcome'];
  const common = {
    stdout: output(value.stdout),
    stderr: output(value.stderr),
    durationMs: typeof value.durationMs === 'number' ? value.durationMs : 0,
  };
  if (outcome !== 'result') {
    const { error } = value;
    if (!isObject(error)) throw nonsense();
    return {
      outcome,
      error: { name: text(error, 'name'), value: text(error, 'value'), traceback: text(error, 'traceback') },
      ...common,
    };
  }
  // What a language has for nothing may come as null.
  if (value.result === undefined || value.result === null) return { outcome, ...common };
  const result = text(value, 'result');
  if (Buffer.byteLength(result) > SandboxMaximum.RESULT) {
    throw new SandboxFailure('size', `the tool's result is larger than ${SandboxMaximum.RESULT} bytes`);
  }
  return { outcome, result, ...common };
}

/** @throws SandboxFailure */
export function packageAnswer(value: unknown): SandboxPackageAnswer {
  if (!isObject(value) || !Array.isArray(value.missing) || value.missing.length > MAX_MISSING) throw nonsense();
  return {
    missing: value.missing.map((item: unknown) => {
      if (!isObject(item)) throw nonsense();
      return { requirement: text(item, 'requirement').slice(0, 300), reason: text(item, 'reason').slice(0, 1000) };
    }),
  };
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw nonsense();
  return value;
}

function output(value: unknown): string {
  if (typeof value !== 'string') throw nonsense();
  return value.length > SandboxMaximum.OUTPUT ? value.slice(0, SandboxMaximum.OUTPUT) : value;
}

function nonsense(): SandboxFailure {
  return new SandboxFailure('unavailable', 'the tool sandbox answered something that it never should');
}
