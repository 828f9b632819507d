import { Mutant } from '../mutant';
import { GoodApp } from '../stacks';

/** One thing made wrong in a good app. */
export interface InjectedFault {
  /** The rule that must find it. */
  readonly rule: string;
  readonly name: string;
  /** App that it is injected into; the default one if not named. */
  readonly of?: GoodApp;
  /** Other rules that rightly find the same fault. */
  readonly also?: string[];
  inject(mutant: Mutant): void;
}
