import { readFileSync } from 'node:fs';
import path from 'node:path';

export const STUBS = path.join(__dirname, 'stubs.json');

/** Types of resources that only have a name in the emulator, each with the attributes that the template asks for. */
export function stubs(): Record<string, Record<string, string>> {
  return JSON.parse(readFileSync(STUBS, 'utf8'));
}
