import * as fs from 'fs';
import * as path from 'path';
import { releases } from './changelog';
import { templatesNow } from './stacks';

/** Writes the templates of the version that is about to be released. Those of released ones stay what was deployed. */
function main(): void {
  const [{ version, released }] = releases();
  if (released) {
    throw new Error(
      `CHANGELOG.md says that ${version}, the newest version, is released, wanted one that is not: its templates are what ` +
        'people have deployed; add a heading "## x.y.z (unreleased)" first',
    );
  }
  const folder = path.join(__dirname, version);
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder);
  for (const [name, template] of Object.entries(templatesNow())) {
    fs.writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(template, undefined, 1)}\n`);
  }
}

main();
