import { IsCompleteRequest, OnEventRequest } from '../../../runtime/functions/custom-resource';

/** An event as CloudFormation sends it and CDK's provider framework hands it on. */
export function customResourceEvent(
  RequestType: OnEventRequest['RequestType'],
  ResourceProperties: Record<string, unknown>,
  overrides: Partial<IsCompleteRequest> = {},
): IsCompleteRequest {
  return {
    RequestType,
    RequestId: '2c9d8a4f-7a0a-4d34-9d5b-6c8f0f4b2f11',
    StackId:
      'arn:aws:cloudformation:eu-central-1:111122223333:stack/LettaBedrockStack/5b8e1a70-0000-11ef-9e2a-0a1b2c3d4e5f',
    LogicalResourceId: 'Resource',
    ...(RequestType === 'Create' ? {} : { PhysicalResourceId: 'the-id-it-was-created-with' }),
    ResourceProperties,
    ...overrides,
  };
}
