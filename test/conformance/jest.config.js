const base = require('../../jest.config');

// What needs more than Node: pgvector, Python, uv. Run by `npm run conformance`.
module.exports = {
  ...base,
  rootDir: '../..',
  roots: ['<rootDir>/test/conformance'],
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/'],
  testTimeout: 300_000,
};
