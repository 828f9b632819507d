import { Arn, ArnFormat, Aws, Stack, Token } from 'aws-cdk-lib';
import { DockerImageAsset } from 'aws-cdk-lib/aws-ecr-assets';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import { AwsCall } from '../aws-client';
import { AwsService } from '../aws-service';

const PULL = ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'];
const REGISTRY = /^(\d{12})\.dkr\.ecr\.([a-z0-9-]+)\.[^/]+\/([^:@]+)/;

/** ARN of the ECR repository that a container's image comes from; undefined for an image of another registry. */
export function imageRepository(container: ecs.ContainerDefinition, image: ecs.ContainerImage): string | undefined {
  const asset = container.node.findAll().find((child) => child instanceof DockerImageAsset);
  if (asset) return asset.repository.repositoryArn;
  if (image instanceof ecs.EcrImage) return image['repository'].repositoryArn;
  const name = container.imageName;
  if (Token.isUnresolved(name)) return repositoryArn(Stack.of(container).region, Stack.of(container).account, '*');
  const [, account, region, repository] = REGISTRY.exec(name) ?? [];
  return repository && repositoryArn(region, account, repository);
}

/**
 * What ECS asks for a task's images. Layers come from a bucket of ECR's own, by URLs that ECR signs.
 * Sources: "Amazon ECR interface VPC endpoints" and there "Minimum Amazon S3 bucket permissions for Amazon ECR",
 * Amazon ECR User Guide.
 */
export function imagePullCalls({ partition, region }: Stack, found: (string | undefined)[]): AwsCall[] {
  const repositories = found.filter((arn) => arn !== undefined);
  if (repositories.length === 0) return [];
  return [
    ...[AwsService.ECR_API, AwsService.ECR_DOCKER].flatMap((service) => [
      { service, actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
      { service, actions: PULL, resources: [...new Set(repositories)] },
    ]),
    {
      service: AwsService.S3,
      actions: ['s3:GetObject'],
      resources: [`arn:${partition}:s3:::prod-${region}-starport-layer-bucket/*`],
      awsOwned: true,
      presigned: true,
    },
  ];
}

function repositoryArn(region: string, account: string, repository: string): string {
  return Arn.format({
    partition: Aws.PARTITION,
    service: 'ecr',
    region,
    account,
    resource: 'repository',
    resourceName: repository,
    arnFormat: ArnFormat.SLASH_RESOURCE_NAME,
  });
}
