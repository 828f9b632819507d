const base = require('../../jest.config');

// What needs more than Node: pgvector, Python, uv. Run by `npm run conformance`.
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/conformance'],
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
  setupFilesAfterEnv: ['<rootDir>/test/conformance/retry.ts'],
  reporters: ['<rootDir>/test/conformance/why-reporter.js', 'default'],
};
