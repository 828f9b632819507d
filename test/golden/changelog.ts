import * as fs from 'fs';
import * as path from 'path';

/** A version of the change log, the newest first. */
export interface Release {
  readonly version: string;
  readonly released: boolean;
  /** Logical ids that an update to it replaces, as its part **Replaces** says. */
  readonly replaces: string[];
}

export function releases(): Release[] {
  return parseReleases(fs.readFileSync(path.join(__dirname, '../../CHANGELOG.md'), 'utf8'));
}

export function parseReleases(changelog: string): Release[] {
  return changelog
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [, version, note] = /^(\S+)(.*)$/m.exec(section)!;
      const replaces = section.split('**Replaces**').slice(1).join();
      return {
        version,
        released: !note.includes('unreleased'),
        replaces: [...replaces.matchAll(/`([A-Za-z0-9]+)`/g)].map(([, id]) => id),
      };
    });
}
