/** A bounded number of things in flight, or of bytes that they hold. */
export class Slots {
  private taken = 0;

  constructor(readonly limit: number) {}

  get full(): boolean {
    return this.taken >= this.limit;
  }

  get empty(): boolean {
    return this.taken === 0;
  }

  /** Takes so many; the function gives them back, once however often it is called. `undefined`: not so many are free. */
  take(count = 1): (() => void) | undefined {
    if (this.taken + count > this.limit) return undefined;
    this.taken += count;
    let held = true;
    return () => {
      if (held) this.taken -= count;
      held = false;
    };
  }
}
