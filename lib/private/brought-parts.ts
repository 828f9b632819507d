import { Annotations, Stack, Token } from 'aws-cdk-lib';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { LETTA_VERSION } from '../../runtime/contract';
import { LettaServiceOptions } from '../letta-service-options';
import { validateBaseImage } from './container-image';
import { isImmutable } from './of-own-stack';
import { validatePassword } from './password-secret';
import { validateAccount, validateRegion } from './validation';

/**
 * What somebody brings along instead of what would be made, as far as synth can tell that it would not do.
 *
 * @throws with the prop and what to give instead
 */
export function validateBroughtParts(scope: Construct, options: LettaServiceOptions): void {
  validatePassword(scope, 'apiPassword', options.apiPassword);
  validatePassword(scope, 'administratorPassword', options.administratorPassword);
  validateCertificate(scope, options.certificate?.certificateArn);
  validateAccessLogs(scope, options.accessLogsBucket);
  validateRoles(scope, options);
  validateGatewayImage(scope, options);
  validateTools(scope, options);
  if (options.logGroup)
    validateRegion(scope, 'logGroup', options.logGroup.env.region, 'tasks write to their own region');
  warnOfOpenGroups(scope, options);
  warnOfImmutableRoles(scope, options);
}

function validateCertificate(scope: Construct, arn: string | undefined): void {
  if (arn === undefined || Token.isUnresolved(arn)) return;
  // A load balancer takes server certificates of IAM as well: those have no region.
  const [, , service, region] = arn.split(':');
  if (service === 'acm') validateRegion(scope, 'certificate', region, 'load balancers take no other');
}

function validateAccessLogs(scope: Construct, bucket: s3.IBucket | undefined): void {
  if (!bucket) return;
  validateRegion(scope, 'accessLogsBucket', bucket.env.region, 'load balancers write to no other');
  if (!bucket.encryptionKey) return;
  throw new Error(
    `${scope.node.path}: accessLogsBucket is encrypted with a KMS key, wanted one with keys of S3 ` +
      '(s3.BucketEncryption.S3_MANAGED), because load balancers write access logs to no other: give another bucket',
  );
}

function validateRoles(scope: Construct, { taskRole, executionRole }: LettaServiceOptions): void {
  for (const [prop, role] of Object.entries({ taskRole, executionRole })) {
    if (role) validateAccount(scope, prop, role.env.account, 'ECS assumes no other');
  }
  if (!taskRole || !executionRole) return;
  const [task, execution] = [taskRole, executionRole].map(({ roleArn }) => Stack.of(scope).resolve(roleArn));
  if (JSON.stringify(task) !== JSON.stringify(execution)) return;
  throw new Error(
    `${scope.node.path}: taskRole and executionRole are the same role, wanted two: with one, what pulls images may also call ` +
      'the models and read the password; give another role',
  );
}

function validateTools(
  scope: Construct,
  { customTools, unsafeToolsInLettaContainer, image }: LettaServiceOptions,
): void {
  if (customTools === undefined) return;
  if (unsafeToolsInLettaContainer) {
    throw new Error(
      `${scope.node.path}: customTools and unsafeToolsInLettaContainer are both given, wanted one of them: tools run in the sandbox ` +
        'or inside the Letta container; leave unsafeToolsInLettaContainer out',
    );
  }
  if (image === undefined || image._isBuiltHere) return;
  Annotations.of(scope).addWarningV2(
    'cdk-letta:LettaService.imageWithCustomTools',
    `${scope.node.path}: customTools with an image that is not built here: Letta ${LETTA_VERSION} evaluates the annotations of a ` +
      "tool's parameters inside the server, so that a caller's tool runs code there, unless the image takes that out as " +
      'LettaImage.fromPackage() does (close_tools.py); do so and acknowledge this',
  );
}

function validateGatewayImage(scope: Construct, { gatewayImage, gatewayBaseImage }: LettaServiceOptions): void {
  validateBaseImage(scope.node.path, 'gatewayBaseImage', gatewayBaseImage);
  if (gatewayImage === undefined || gatewayBaseImage === undefined) return;
  throw new Error(
    `${scope.node.path}: gatewayImage and gatewayBaseImage are both given, wanted one of them: an image that is not built here ` +
      'has its base already; leave gatewayBaseImage out',
  );
}

/** The CDK takes an imported group for one that lets everything out unless it is told, and then adds no rule to it. */
function warnOfOpenGroups(scope: Construct, options: LettaServiceOptions): void {
  for (const prop of ['securityGroup', 'migrationSecurityGroup', 'loadBalancerSecurityGroup'] as const) {
    if (!options[prop]?.allowAllOutbound) continue;
    Annotations.of(scope).addWarningV2(
      `cdk-letta:LettaService.${prop}`,
      `${scope.node.path}: ${prop} lets everything out, or was imported without a word about it, so that no outbound rule is ` +
        'added to it: close the group and give it with allowAllOutbound: false',
    );
  }
}

/** What is granted to such a role is dropped without a word, and tasks fail when they first need it. */
function warnOfImmutableRoles(scope: Construct, options: LettaServiceOptions): void {
  for (const prop of ['taskRole', 'executionRole'] as const) {
    const role = options[prop];
    if (!role || !isImmutable(role)) continue;
    Annotations.of(scope).addWarningV2(
      `cdk-letta:LettaService.${prop}`,
      `${scope.node.path}: ${prop} was imported as immutable, so that nothing is granted to it, wanted a role that has the ` +
        'statements of the one that is made without it: import it without mutable: false, or add them to it and acknowledge this',
    );
  }
}
