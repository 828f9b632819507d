#!/usr/bin/env node
import { run } from './program';
import { processShell } from './shell';

// Whoever reads may have had enough, as `head` has.
process.stdout.on('error', () => process.exit(0));
void run(process.argv.slice(2), processShell()).then((code) => {
  process.exitCode = code;
});
