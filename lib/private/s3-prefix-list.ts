import { Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from './nag';
import { ProviderFunction } from './provider-function';
import { UNSCOPABLE_ACTIONS } from './unscopable-actions';

export interface S3PrefixListProps {
  readonly logRetention: logs.RetentionDays;
  readonly encryptionKey?: kms.IKey;
}

/**
 * Looks up the id of the region's S3 prefix list while the stack is deployed. CloudFormation has no attribute for it,
 * and a look-up at synth would need credentials and tie the template to one region.
 */
export class S3PrefixList extends Construct {
  readonly prefixListId: string;

  constructor(scope: Construct, id: string, props: S3PrefixListProps) {
    super(scope, id);

    const step = new ProviderFunction(this, 'Lookup', {
      bundle: 's3-prefix-list',
      description: 'Looks up the S3 prefix list of the region',
      timeout: Duration.minutes(1),
      ...props,
    });
    step.role.addToPolicy(
      new iam.PolicyStatement({ actions: [UNSCOPABLE_ACTIONS.DESCRIBE_MANAGED_PREFIX_LISTS], resources: ['*'] }),
    );
    acknowledgeWildcard(step.role, '*', 'describing prefix lists has no resource type to restrict it to');
    this.prefixListId = step.run('Resource', 'Custom::LettaS3PrefixList').getAttString('PrefixListId');
  }
}
