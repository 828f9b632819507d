/** A bounded number of things in flight. */
export class Slots {
  private taken = 0;

  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.taken >= this.limit;
  }

  get empty(): boolean {
    return this.taken === 0;
  }

  /** Takes a slot; the function gives it back, once however often it is called. `undefined`: none is free. */
  take(): (() => void) | undefined {
    if (this.full) return undefined;
    this.taken++;
    let held = true;
    return () => {
      if (held) this.taken--;
      held = false;
    };
  }
}
