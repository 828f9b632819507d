import { SandboxPackageQuestion } from '../../contract';

/** A command of Letta's that asks for one package, or what is wrong with it. */
export type PackageCommand =
  | { readonly kind: 'question'; readonly manager: SandboxPackageQuestion['manager']; readonly requirement: string }
  /** Letta's own client: asked for before every TypeScript tool, which does without. */
  | { readonly kind: 'optional' }
  | { readonly kind: 'other' };

const OPTIONAL = '@letta-ai/letta-client';
/**
 * One requirement: name, extras, version. Letta writes it into a shell command as it is, so a caller can write any command
 * here; but no shell ever sees it, and what is not a requirement is not even asked for.
 */
const PIP =
  /^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?(\[[A-Za-z0-9._, -]{1,100}\])?( ?[<>=!~]=?=?[A-Za-z0-9.*+!_-]{1,60}(, ?[<>=!~]=?=?[A-Za-z0-9.*+!_-]{1,60}){0,4})?$/;
const NPM = /^(@[a-z0-9~-][a-z0-9._~-]{0,99}\/)?[a-z0-9~-][a-z0-9._~-]{0,99}(@("?)[A-Za-z0-9.^~<>=*+_-]{1,60}\3)?$/;

export function packageCommand(command: string): PackageCommand {
  const match = /^(pip|npm) install (.+)$/s.exec(command);
  if (match === null) return { kind: 'other' };
  const [, manager, requirement] = match;
  if (manager === 'npm' && requirement === OPTIONAL) return { kind: 'optional' };
  if (!(manager === 'pip' ? PIP : NPM).test(requirement)) return { kind: 'other' };
  // Letta puts the version of an npm package into quotes, for the shell.
  return { kind: 'question', manager: manager as 'pip' | 'npm', requirement: requirement.replaceAll('"', '') };
}
