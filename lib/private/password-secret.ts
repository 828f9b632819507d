import { Stack } from 'aws-cdk-lib';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { PASSWORD_LEAST_LENGTH } from '../../runtime/contract';
import { validateRegion } from './validation';

/**
 * A secret that the gateway can read, and that will hold a password it takes, as far as synth can tell: what is generated
 * is known, what somebody has written into a secret is not.
 */
export function validatePassword(scope: Construct, prop: string, secret: secretsmanager.ISecret | undefined): void {
  if (!secret) return;
  validateRegion(scope, prop, secret.env.region, 'the gateway reads secrets in its own region');
  const resource = secret.node.defaultChild;
  if (!(resource instanceof secretsmanager.CfnSecret)) return;
  const generated = Stack.of(scope).resolve(resource.generateSecretString) as
    secretsmanager.CfnSecret.GenerateSecretStringProperty | undefined;
  const flaw = generated && flawOf(generated);
  if (flaw) throw new Error(`${scope.node.path}: ${prop} is generated ${flaw}`);
}

function flawOf(generated: secretsmanager.CfnSecret.GenerateSecretStringProperty): string | undefined {
  const { generateStringKey, passwordLength, includeSpace } = generated;
  if (generateStringKey !== undefined) {
    return (
      `as JSON with the password under '${generateStringKey}', wanted the password as the whole value: leave ` +
      'secretStringTemplate and generateStringKey out'
    );
  }
  if (typeof passwordLength === 'number' && passwordLength < PASSWORD_LEAST_LENGTH) {
    return `with ${passwordLength} characters, wanted at least ${PASSWORD_LEAST_LENGTH}: raise passwordLength`;
  }
  if (includeSpace === true) {
    return 'with blanks, wanted none, because the gateway takes no password that begins or ends with one: leave includeSpace out';
  }
  return undefined;
}
