/** What the caller can mend: one line, no stack trace, exit code 2. */
export class UsageError extends Error {}
