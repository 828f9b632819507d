/** Counts what was checked. A check that fails does not end the rehearsal: what comes after it is tried as well. */
export class Checks {
  passed = 0;
  failed = 0;
  private readonly started = Date.now();

  async check(name: string, look: () => Promise<void> | void): Promise<void> {
    try {
      await look();
      this.passed++;
      console.log(`  ok      ${name}`);
    } catch (error) {
      this.failed++;
      console.log(`  FAILED  ${name}\n${indented((error as Error).message)}`);
    }
  }

  /** A part of the rehearsal, with the seconds it took. */
  async part(name: string, work: () => Promise<void>): Promise<void> {
    const started = Date.now();
    console.log(`=== ${name}`);
    await work();
    console.log(`    ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }

  summary(): string {
    const seconds = ((Date.now() - this.started) / 1000).toFixed(1);
    return `${seconds} s\n${this.passed} passed, ${this.failed} failed`;
  }
}

function indented(text: string): string {
  return text.slice(-3000).replace(/^/gm, '          ');
}
