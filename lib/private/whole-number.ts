import { Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** The value of a prop that must be a whole number within bounds; what is decided at deployment passes unseen. */
export function wholeNumber(scope: IConstruct, prop: string, value: number, least: number, most: number): number {
  if (!Token.isUnresolved(value) && !(Number.isInteger(value) && value >= least && value <= most)) {
    throw new Error(
      `${scope.constructor.name} ${scope.node.path}: \`${prop}\` must be a whole number from ${least} to ${most}, ` +
        `got ${value}`,
    );
  }
  return value;
}
