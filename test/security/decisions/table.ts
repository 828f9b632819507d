import type { Caller, Question, Verdict } from '../access';
import type { PolicyDocument } from '../deployment';

/** A row of a table: each of its actions on each of its resources has the same answer, for the same reason. */
export interface Row {
  readonly what: string;
  readonly expected: Verdict;
  readonly caller: Caller;
  readonly actions: string[];
  readonly resources: string[];
  readonly from: Question['from'];
  readonly context?: Record<string, string>;
  readonly owner?: string;
  readonly resourcePolicy?: PolicyDocument;
  readonly serviceControlPolicies?: PolicyDocument[];
}

type Where = Partial<Pick<Row, 'from' | 'context' | 'owner' | 'resourcePolicy' | 'serviceControlPolicies'>>;

/** Writes rows for one caller, who calls from inside the VPC unless a row says otherwise. */
export class Table {
  readonly rows: Row[] = [];

  constructor(
    private readonly caller: Caller,
    private readonly defaults: Where = {},
  ) {}

  allows(what: string, actions: string[], resources: string[], where: Where = {}): this {
    return this.row('allowed', what, actions, resources, where);
  }

  denies(what: string, actions: string[], resources: string[], where: Where = {}): this {
    return this.row('denied', what, actions, resources, where);
  }

  private row(expected: Verdict, what: string, actions: string[], resources: string[], where: Where): this {
    const from = 'vpc' as const;
    this.rows.push({ caller: this.caller, what, expected, actions, resources, from, ...this.defaults, ...where });
    return this;
  }
}

/** The single questions of a row. */
export function questions(row: Row): Question[] {
  const { actions, resources, caller, from, context, owner, resourcePolicy, serviceControlPolicies } = row;
  return actions.flatMap((action) =>
    resources.map((resource) => ({
      ...{ caller, action, resource, from, context, owner, resourcePolicy, serviceControlPolicies },
    })),
  );
}
