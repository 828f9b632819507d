// Real servers under load: a test that fails gets a second try, and the run says so (run.ts).
jest.retryTimes(1, { logErrorsBeforeRetry: true });
