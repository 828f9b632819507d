import { DockerfileParser } from 'dockerfile-ast';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ContainerUser, ImagePath, LETTA_VERSION, Port } from '../../../runtime/contract';

const images = path.resolve(__dirname, '../../../runtime/images');

interface Stage {
  readonly text: string;
  last(keyword: string): string | undefined;
}

/** The stages of an image's Dockerfile, in order. */
function stagesOf(image: string): Stage[] {
  const stages: { keyword: string; argument: string; text: string }[][] = [];
  const file = DockerfileParser.parse(readFileSync(path.join(images, image, 'Dockerfile'), 'utf8'));
  for (const instruction of file.getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') stages.push([]);
    stages.at(-1)?.push({
      keyword,
      argument: instruction.getArgumentsContent() ?? '',
      text: instruction.getTextContent(),
    });
  }
  return stages.map((instructions) => ({
    text: instructions.map(({ text }) => text).join('\n'),
    last: (keyword) => instructions.findLast((instruction) => instruction.keyword === keyword)?.argument,
  }));
}

const final = (image: string) => stagesOf(image).at(-1)!;
const list = (json: string | undefined): string[] => JSON.parse(json ?? '[]');

test.each([
  ['letta', ContainerUser.LETTA, [ImagePath.LETTA_HOME, ImagePath.TMP]],
  ['gateway', ContainerUser.GATEWAY, [ImagePath.GATEWAY_RUN]],
])('image %s runs as %s and owns its volumes %j', (image, user, volumes) => {
  const stage = final(image);
  expect(stage.last('USER')).toBe(user);
  expect(list(stage.last('VOLUME'))).toEqual(volumes);
  const owned = new RegExp(`chown ${user} ([^\\\\&\\n]*)`).exec(stage.text)?.[1].trim().split(/\s+/);
  expect(owned).toEqual(volumes);
  // What a Dockerfile changes in a volume after declaring it is lost.
  expect(stage.text.indexOf('chown')).toBeLessThan(stage.text.indexOf('VOLUME'));
});

test('image letta works in its home, and starts the server on loopback', () => {
  const stage = final('letta');
  expect(stage.last('WORKDIR')).toBe(ImagePath.LETTA_HOME);
  expect(list(stage.last('CMD'))).toEqual(['letta', 'server', '--host', '127.0.0.1', '--port', `${Port.LETTA}`]);
});

test('image letta-dockerhub checks the release by an interpreter that its own user can reach', () => {
  const { text, last } = final('letta-dockerhub');
  expect(last('USER')).toBe(ContainerUser.LETTA);
  const asUser = text.slice(text.lastIndexOf(`USER ${ContainerUser.LETTA}`));
  expect(asUser).toMatch(/^RUN \/opt\/letta\/venv\/bin\/python -c .*assert v\('letta'\) == /m);
  expect(asUser).toContain(`== '${LETTA_VERSION}'`);
});

test.each(['close_tools.py', 'keep_answers.py'])('both images of Letta change it by %s, the same', (script) => {
  const [ours, upstream] = ['letta', 'letta-dockerhub'].map((image) => path.join(images, image, script));
  expect(readFileSync(upstream)).toEqual(readFileSync(ours));
  expect(readFileSync(path.join(images, 'letta/Dockerfile'), 'utf8')).toContain(`bin/python ${script} `);
  expect(final('letta-dockerhub').text).toContain(`bin/python /tmp/changes/${script} `);
});

test('image gateway starts the bundle', () => {
  const [program, ...rest] = list(final('gateway').last('CMD'));
  expect([program, rest.at(-1)]).toEqual(['node', '/opt/gateway/dist/main.js']);
  expect(rest.slice(0, -1).filter((flag) => !flag.startsWith('--'))).toEqual([]);
  expect(path.dirname(ImagePath.GATEWAY_HEALTHCHECK)).toBe('/opt/gateway/dist');
});

test('image gateway holds the authorities where the contract says', () => {
  expect(final('gateway').text).toContain('COPY ca /opt/gateway/ca');
  for (const file of [ImagePath.GATEWAY_AWS_CA, ImagePath.GATEWAY_DATABASE_CA]) {
    expect(path.dirname(file)).toBe('/opt/gateway/ca');
    expect(existsSync(path.join(images, 'gateway/ca', path.basename(file)))).toBe(true);
  }
});

test('image letta puts the migrations where the contract says', () => {
  expect(stagesOf('letta')[0].text).toContain(`alembic.ini ${ImagePath.LETTA_MIGRATIONS}/`);
});

test('every package of image letta is locked: nothing installs without hashes', () => {
  const builds =
    stagesOf('letta')[0]
      .text.replace(/\\\n\s*/g, ' ')
      .match(/(?:pip|uv pip) (?:install|download) [^&\n]*/g) ?? [];
  expect(builds).toHaveLength(4);
  for (const build of builds) expect(build).toContain('--require-hashes');
});

test.each(['requirements.txt', 'letta.txt', 'build.txt'])('each entry of %s is one version with its hashes', (name) => {
  const entries = readFileSync(path.join(images, 'letta', name), 'utf8')
    .replace(/\\\n\s*/g, '')
    .trim()
    .split('\n');
  for (const entry of entries) {
    expect(entry).toMatch(/^[\w.-]+(\[[\w,]+\])?==[\w.+!-]+( ; [^#]*?)? +(--hash=sha256:[0-9a-f]{64} *)+$/);
  }
});

test('the locked Letta is the release this library is made for', () => {
  expect(readFileSync(path.join(images, 'letta/letta.txt'), 'utf8')).toMatch(`letta==${LETTA_VERSION} `);
  expect(stagesOf('letta')[0].text).toContain(`== '${LETTA_VERSION}'`);
});

test('no compiler is in either image, and no pip in the final one', () => {
  for (const stage of [...stagesOf('letta'), ...stagesOf('gateway')]) {
    expect(stage.text).not.toMatch(/\b(gcc|g\+\+|build-essential|clang|make)\b/);
  }
  expect(final('letta').text).toMatch(/pip uninstall .*\bpip\b/);
});

test.each(['letta', 'gateway'])('the context of image %s holds only what its Dockerfile copies', (image) => {
  const [all, ...kept] = readFileSync(path.join(images, image, '.dockerignore'), 'utf8')
    .trim()
    .split('\n');
  expect(all).toBe('*');
  const copied = stagesOf(image)
    .flatMap(({ text }) => text.match(/^COPY (?!--from).*$/gm) ?? [])
    .flatMap((line) => line.split(/\s+/).slice(1, -1));
  expect(kept.map((line) => line.replace(/^!/, '')).sort()).toEqual(copied.sort());
});
