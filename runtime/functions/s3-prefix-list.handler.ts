import { EC2Client } from '@aws-sdk/client-ec2';
import { OnEventRequest, variable } from './custom-resource';
import { explained } from './failure';
import { findS3PrefixList } from './s3-prefix-list';

const ec2 = new EC2Client({});

export const onEvent = explained((event: OnEventRequest) => findS3PrefixList(event, ec2, variable('AWS_REGION')));
