import { HttpRequest } from '@smithy/protocol-http';
import { SignatureV4 } from '@smithy/signature-v4';
import { CredentialsProvider } from '../credentials';
import { Sha256 } from '../sha256';

/** As it ends the path; each of them is signed and authorized as InvokeModel, streamed or not. */
export type ModelOperation = 'invoke' | 'invoke-with-response-stream' | 'converse' | 'converse-stream';

/** Above Bedrock's own limit of 25 MB for a body (user guide, quotas), so that it is AWS that refuses. */
export const MAX_CALL_BYTES = 32 * 1024 * 1024;

export interface ModelCall {
  readonly modelId: string;
  readonly operation: ModelOperation;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface SignedCall {
  readonly path: string;
  readonly headers: Record<string, string>;
}

/** Signs model calls for one Bedrock runtime endpoint with the task's credentials. */
export class BedrockSigner {
  private readonly signer: SignatureV4;

  constructor(
    /** Host, and port where it is not 443, as it stands in the `Host` header. */
    private readonly host: string,
    region: string,
    credentials: CredentialsProvider,
  ) {
    this.signer = new SignatureV4({ service: 'bedrock', region, credentials, sha256: Sha256 });
  }

  async sign(call: ModelCall, date = new Date()): Promise<SignedCall> {
    // The target is made of parsed parts only; the signer encodes it a second time, as SigV4 wants for all but S3.
    const path = `/model/${encodeURIComponent(call.modelId)}/${call.operation}`;
    const request = new HttpRequest({
      method: 'POST',
      protocol: 'https:',
      hostname: this.host,
      path,
      headers: { ...call.headers, host: this.host, 'content-length': String(call.body.byteLength) },
      body: call.body,
    });
    const signed = await this.signer.sign(request, { signingDate: date });
    return { path, headers: signed.headers };
  }
}
