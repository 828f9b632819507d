import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ControlGroup } from './control-group';

describe('control groups of the lab', () => {
  let root: string;
  beforeEach(() => void (root = mkdtempSync(path.join(tmpdir(), 'control-group-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test('that cannot be made are told aloud, with the reason and what helps', () => {
    const problem = ControlGroup.problem(path.join(root, 'nowhere'));
    expect(problem).toMatch(/^THE LAB HAS NO CONTROL GROUPS \(ENOENT.*--privileged/s);
  });

  test('of both kinds are no problem where they can be made', () => {
    for (const controller of ['memory', 'pids']) mkdirSync(path.join(root, controller));
    expect(ControlGroup.problem(root)).toBeUndefined();
  });
});
