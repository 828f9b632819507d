import { randomBytes } from 'node:crypto';
import { InterpreterScript, readMarked } from './interpreter-script';

/** Asks a code interpreter's Python which requirements it does not fulfil. */
export function packageScript(requirements: readonly string[]): InterpreterScript {
  const mark = `letta-${randomBytes(24).toString('hex')}`;
  const given = Buffer.from(JSON.stringify(requirements)).toString('base64');
  return {
    script: `${PYTHON}\n_letta_packages(${JSON.stringify(given)}, ${JSON.stringify(mark)})`,
    read: (output) => readMarked(output, mark),
  };
}

const PYTHON = String.raw`
def _letta_packages(given, mark):
    import base64, json
    from importlib import metadata
    def lacks(text):
        try:
            from packaging.requirements import Requirement
            wanted = Requirement(text)
            name, allows = wanted.name, lambda version: wanted.specifier.contains(version, prereleases=True)
        except ImportError:
            name, _, version_wanted = text.partition('==')
            allows = lambda version: version_wanted in ('', version)
        except Exception as problem:
            return 'it is no requirement: %s' % problem
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            return 'it is not there'
        return None if allows(version) else 'it has version %s' % version
    found = [(text, lacks(text)) for text in json.loads(base64.b64decode(given))]
    missing = [{'requirement': text, 'reason': reason} for text, reason in found if reason is not None]
    print(mark + base64.b64encode(json.dumps({'missing': missing}).encode('ascii')).decode('ascii'), flush=True)
`;
