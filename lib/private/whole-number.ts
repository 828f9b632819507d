import { Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/** The value of an optional prop that must be a whole number within bounds. Tokens pass. */
export function wholeNumber(scope: IConstruct, prop: string, value: number, least: number, most: number): number {
  if (!Token.isUnresolved(value) && !(Number.isInteger(value) && value >= least && value <= most)) {
    throw new Error(
      `${scope.constructor.name} ${scope.node.path}: \`${prop}\` is ${value}, wanted a whole number from ${least} to ` +
        `${most}; give one in that range, or leave \`${prop}\` out for the default`,
    );
  }
  return value;
}
