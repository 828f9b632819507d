import { Account } from './account';
import { type AccessRequest, isAllowed, type Statement } from './iam-policy';
import { Name } from './resource-values';

/** One call as the fake AWS, the database front or the cache front saw it. */
export interface AwsCall extends AccessRequest {
  /** Logical id of the role whose keys signed. */
  readonly role: string;
  readonly allowed: boolean;
  readonly at: number;
}

/** What was refused before its signer was known. */
export interface RefusedCall {
  readonly what: string;
  readonly reason: string;
}

/** Decides on calls by the roles' policies in the template, and keeps every one of them. */
export class AwsRecord {
  readonly calls: AwsCall[] = [];
  readonly refused: RefusedCall[] = [];

  /** @param policies statements of a role by its logical id */
  constructor(private readonly policies: (role: string) => Statement[]) {}

  /** Records the call with all that it was decided by, and says whether the role's policies allow it, and those of the endpoint it came through. */
  decide(role: string, request: AccessRequest, endpoint?: Statement[]): boolean {
    const through = endpoint && { 'aws:SourceVpc': Name.VPC };
    const made = { ...request, context: { 'aws:PrincipalAccount': Account.ID, ...through, ...request.context } };
    const allowed = isAllowed(this.policies(role), made) && (!endpoint || isAllowed(endpoint, made));
    this.calls.push({ ...made, role, allowed, at: Date.now() });
    return allowed;
  }

  refuse(what: string, reason: string): void {
    this.refused.push({ what, reason });
  }
}
