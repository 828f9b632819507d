import path from 'node:path';
import { ContainerName, ImagePath } from '../../runtime/contract';
import { type Image, readDockerfile } from './image';
import type { LettaVenv } from './parts/letta-venv';
import type { Assembly } from './synthesize';
import type { ContainerDefinition } from './task';

/** What stands in for what an image build would fetch. */
export interface ImageParts {
  readonly letta: LettaVenv;
  /** Folder with `bin/node`. */
  readonly node: string;
  /** PEM file of the authority of AWS endpoints and ElastiCache. */
  readonly awsCa: string;
  /** PEM file of the authority of RDS. */
  readonly databaseCa: string;
}

/** Containers that run the gateway's image: the service's, and those of the export's tasks. */
const ofGatewayImage: string[] = [ContainerName.GATEWAY, 'export', 'restore'];

/** Finds a container's image among the assembly's assets and puts the lab's parts at the image's paths. */
export function imageOf(container: ContainerDefinition, assembly: Assembly, parts: ImageParts): Image {
  const tag = container.Image.split(':').pop() ?? '';
  const folder = assembly.imageFolders[tag];
  if (!folder)
    throw new Error(`container ${container.Name}: the lab builds only images of this package, not ${container.Image}`);
  const mounts = ofGatewayImage.includes(container.Name)
    ? [
        { source: parts.node, target: '/usr/local' },
        { source: path.join(folder, 'dist'), target: '/opt/gateway/dist' },
        { source: parts.awsCa, target: ImagePath.GATEWAY_AWS_CA },
        { source: parts.databaseCa, target: ImagePath.GATEWAY_DATABASE_CA },
      ]
    : [
        { source: parts.letta.venv, target: '/opt/letta/venv' },
        { source: parts.letta.migrations, target: ImagePath.LETTA_MIGRATIONS },
        { source: parts.letta.ca, target: '/opt/letta/ca.pem' },
      ];
  return { ...readDockerfile(path.join(folder, 'Dockerfile')), mounts };
}
