import { readFileSync } from 'node:fs';
import { ExportVariable, GatewayVariable, ImagePath } from '../contract';
import { Environment, VariableReader } from '../gateway/variable-reader';

/** What the task is told. */
export interface ExportConfiguration {
  readonly apiUrl: string;
  readonly passwordSecret: string;
  readonly bucket: string;
  /** Without a slash at its end; may be empty. */
  readonly prefix: string;
  readonly region: string;
  readonly serviceName: string;
  /** PEM text of further authorities of the API's certificate. */
  readonly apiCa?: string;
  /** PEM text of the authorities of AWS endpoints. */
  readonly awsCa: string;
}

/** @throws with all that is wrong */
export function readConfiguration(environment: Environment): ExportConfiguration {
  const reader = new VariableReader(environment);
  const configuration = {
    apiUrl: reader.matching(ExportVariable.API_URL, /^https?:\/\/[^/\s?#]+$/),
    passwordSecret: reader.matching(ExportVariable.PASSWORD_SECRET, /^arn:[\w-]+:secretsmanager:\S+$/),
    bucket: reader.matching(ExportVariable.BUCKET, /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    prefix: reader.optional(ExportVariable.PREFIX, /^[^/\s](\S*[^/\s])?$/) ?? '',
    region: reader.matching(ExportVariable.REGION, /^[a-z]{2}(-[a-z]+)+-\d$/),
    serviceName: reader.matching(ExportVariable.SERVICE_NAME, /^.{1,255}$/),
    apiCa: reader.optional(ExportVariable.API_CA, /-----BEGIN CERTIFICATE-----/),
  };
  reader.containerCredentials();
  if (reader.problems.length > 0) throw new Error(reader.problems.join('; '));
  const awsCaFile = environment[GatewayVariable.AWS_CA_FILE] ?? ImagePath.GATEWAY_AWS_CA;
  return { ...configuration, awsCa: readFileSync(awsCaFile, 'utf8') };
}
