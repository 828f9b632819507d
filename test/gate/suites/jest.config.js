/** For `npm run gate`: the same tests as `npm test` runs, a folder in a suite. */
module.exports = {
  ...require('../../../jest.config.js'),
  rootDir: '../../..',
  testMatch: ['**/test/gate/suites/{checks,gate,security}.ts'],
};
