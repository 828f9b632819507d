import { isObject, show } from '../gateway/foreign-json';
import { Block } from './letta-api';
import { StoredFile } from './storage';

/** The manifest's name in an export's folder. It is written last: a folder without one is no export. */
export const MANIFEST = 'manifest.json';
export const FORMAT = 'cdk-letta agents';
export const FORMAT_VERSION = 1;

/** The gateway takes agent files up to here (docs/gateway.md, "Agent files"), in a form of a few hundred bytes more. */
export const LARGEST_AGENT_FILE = 2 * 1024 * 1024 - 4096;
/** Where a file of passages ends and the next one begins, but for the passage that crosses it. */
export const PASSAGES_FILE = 4 * 1024 * 1024;
export const LARGEST_PASSAGES_FILE = 4 * PASSAGES_FILE;
export const LARGEST_MANIFEST = 64 * 1024 * 1024;

export interface ExportedAgent {
  readonly id: string;
  readonly file: StoredFile;
  /** JSON lines, in the order of their creation. */
  readonly passageFiles: readonly StoredFile[];
  readonly passages: number;
  /** Ids of its blocks: agents that shared one share it again. */
  readonly blocks: readonly Block[];
}

export interface Manifest {
  readonly format: typeof FORMAT;
  readonly formatVersion: typeof FORMAT_VERSION;
  readonly lettaVersion: string;
  readonly startedAt: string;
  readonly finishedAt: string;
  readonly agents: readonly ExportedAgent[];
  /** Ids of agents that were deleted meanwhile. */
  readonly deleted: readonly string[];
  /** Ids of agents that could not be exported. */
  readonly failed: readonly string[];
}

const AGENT = /^agent-[0-9a-f-]{36}$/;

/** @throws for a manifest that this program has not written */
export function readManifest(text: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error('the manifest is no JSON: it is cut, or somebody else has written it; restore another export');
  }
  if (!isObject(value) || value.format !== FORMAT) {
    throw new Error(`the manifest's format is ${show(isObject(value) ? value.format : value)}, wanted "${FORMAT}"`);
  }
  if (value.formatVersion !== FORMAT_VERSION) {
    throw new Error(
      `the manifest's format version is ${show(value.formatVersion)}, wanted ${FORMAT_VERSION}: restore it by the release of ` +
        'cdk-letta that wrote it',
    );
  }
  if (typeof value.lettaVersion !== 'string') throw new Error('the manifest names no version of Letta');
  if (!Array.isArray(value.agents) || !value.agents.every(isExportedAgent)) {
    throw new Error('the manifest holds an agent that is none: somebody has changed it; restore another export');
  }
  return value as unknown as Manifest;
}

function isExportedAgent(value: unknown): boolean {
  if (!isObject(value) || typeof value.id !== 'string' || !AGENT.test(value.id)) return false;
  const { id, file, passageFiles, passages, blocks } = value;
  return (
    isFile(file, id) &&
    Array.isArray(passageFiles) &&
    passageFiles.every((passageFile) => isFile(passageFile, id)) &&
    Number.isSafeInteger(passages) &&
    Array.isArray(blocks) &&
    blocks.every((block) => isObject(block) && typeof block.id === 'string' && typeof block.label === 'string')
  );
}

/** A name leads to files of this agent in this export, and nowhere else. */
function isFile(value: unknown, agent: string): boolean {
  if (!isObject(value)) return false;
  const { name, bytes, sha256 } = value;
  return (
    typeof name === 'string' &&
    name.startsWith(`agents/${agent}.`) &&
    /^[\w/.-]+$/.test(name) &&
    !name.includes('..') &&
    Number.isSafeInteger(bytes) &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
