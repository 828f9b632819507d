import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Copy, DockerfileParser, Instruction, Property } from 'dockerfile-ast';
import { ContainerUser } from '../../runtime/contract';

/** A folder or file of the machine as the container sees it. */
export interface Mount {
  readonly source: string;
  readonly target: string;
}

/** What a container of this image looks like, as far as it matters to a process in it. */
export interface Image {
  readonly environment: Record<string, string>;
  /** `uid:gid` */
  readonly user: string;
  readonly workingDirectory: string;
  readonly entryPoint: string[];
  readonly command: string[];
  /** Declared volumes, which then belong to the image's user. */
  readonly volumes: string[];
  /** Read-only contents at the image's paths. */
  readonly mounts: Mount[];
}

/** Reads what an image says about its containers from the last stage of its Dockerfile. */
export function readDockerfile(file: string): Omit<Image, 'mounts'> {
  if (!existsSync(file)) throw new Error(`no Dockerfile at ${file}`);
  const stage = lastStage(DockerfileParser.parse(readFileSync(file, 'utf8')).getInstructions());
  const environment: Record<string, string> = {};
  let [user, workingDirectory] = ['0:0', '/'];
  let [entryPoint, command]: string[][] = [[], []];
  const volumes: string[] = [];
  for (const instruction of stage) {
    switch (instruction.getKeyword()) {
      case 'ENV':
        for (const property of (instruction as Instruction & { getProperties(): Property[] }).getProperties()) {
          environment[property.getName()] = expand(property.getValue() ?? '', environment);
        }
        break;
      case 'USER':
        user = expand(text(instruction), environment);
        break;
      case 'WORKDIR':
        workingDirectory = path.posix.resolve(workingDirectory, expand(text(instruction), environment));
        break;
      case 'VOLUME':
        volumes.push(...list(instruction));
        break;
      case 'ENTRYPOINT':
        [entryPoint, command] = [list(instruction), []];
        break;
      case 'CMD':
        command = list(instruction);
        break;
    }
  }
  return { environment, user: numericUser(user, file), workingDirectory, entryPoint, command, volumes };
}

/** Files and folders that an image's last stage takes from its build context, as mounts of that context. */
export function copiedFiles(context: string): Mount[] {
  const stage = lastStage(
    DockerfileParser.parse(readFileSync(path.join(context, 'Dockerfile'), 'utf8')).getInstructions(),
  );
  return stage
    .filter((instruction): instruction is Copy => instruction.getKeyword() === 'COPY')
    .filter((copy) => copy.getFromFlag() === null)
    .map(text)
    .flatMap((words) => {
      const [target, ...sources] = words.split(/\s+/).reverse();
      return sources.flatMap((source) =>
        matching(context, source).map((name) => ({
          source: path.join(context, name),
          target: target.endsWith('/') ? `${target}${name}` : target,
        })),
      );
    });
}

function matching(folder: string, pattern: string): string[] {
  const expression = new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')}$`);
  const found = readdirSync(folder).filter((name) => expression.test(name));
  if (found.length === 0) throw new Error(`${folder} has nothing like ${pattern}, which its Dockerfile copies`);
  return found;
}

function lastStage(instructions: Instruction[]): Instruction[] {
  const from = instructions.map((instruction) => instruction.getKeyword()).lastIndexOf('FROM');
  return instructions.slice(from + 1);
}

function text(instruction: Instruction): string {
  return instruction.getArgumentsContent()?.trim() ?? '';
}

function list(instruction: Instruction): string[] {
  const content = text(instruction);
  return content.startsWith('[') ? (JSON.parse(content) as string[]) : content.split(/\s+/);
}

function expand(value: string, environment: Record<string, string>): string {
  return value.replace(/\$\{?(\w+)\}?/g, (_, name: string) => {
    if (name === 'PATH' && !environment.PATH) return '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    return environment[name] ?? '';
  });
}

/** A name in USER would need the image's passwd file; ours give numbers, which Kubernetes and scanners want too. */
function numericUser(user: string, file: string): string {
  if (/^\d+:\d+$/.test(user)) return user;
  throw new Error(`${file}: USER is '${user}', wanted numbers such as ${ContainerUser.LETTA}`);
}
