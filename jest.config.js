module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/test/conformance/'],
  transform: { '^.+\\.ts$': 'ts-jest' },
  // Type errors are lint's business (npm run typecheck); transpiling alone keeps the tests quick.
  moduleFileExtensions: ['ts', 'js', 'json'],
};
