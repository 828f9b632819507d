/** Says why before jest lists what: whoever sees only a part of the output sees the reason. */
module.exports = class WhyReporter {
  onTestResult(_test, { testFilePath, testResults, testExecError }) {
    const messages = [
      ...(testExecError ? [testExecError.stack ?? testExecError.message] : []),
      ...testResults.flatMap(({ fullName, failureMessages }) =>
        failureMessages.map((message) => `${shorten(message)}\n  in: ${fullName}`),
      ),
    ];
    // One cause fails many tests, e.g. a deployment that did not come up.
    const seen = new Set();
    for (const message of messages) {
      const cause = message.split('\n  in: ')[0];
      if (seen.has(cause)) continue;
      seen.add(cause);
      process.stderr.write(`WHY ${testFilePath.split('/').pop()}: ${message}\n`);
    }
  }
};

function shorten(message) {
  const lines = message.split('\n').filter((line) => !/^\s+at .*node_modules/.test(line));
  return lines.length > 40 ? [...lines.slice(0, 20), '  …', ...lines.slice(-20)].join('\n') : lines.join('\n');
}
