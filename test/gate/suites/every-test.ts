import * as fs from 'fs';
import * as path from 'path';
import { LOADING, reportFigure } from '../figures';

const root = path.resolve(__dirname, '../../..');

/**
 * Declares the tests of every file of a folder, each under the file's name, in one suite: Jest loads aws-cdk-lib anew
 * for each suite, and code that has warmed up is thrown away with it.
 */
export function everyTestOf(folder: string): void {
  const files = fs.readdirSync(path.join(root, folder)).filter((file) => file.endsWith('.test.ts'));
  if (files.length === 0) throw new Error(`${folder} has no tests`);
  for (const file of files.sort().map((name) => `${folder}/${name}`)) {
    describe(file, () => {
      const started = performance.now();
      jest.requireActual(path.join(root, file));
      reportFigure(`${LOADING}${file}`, performance.now() - started);
    });
  }
}
