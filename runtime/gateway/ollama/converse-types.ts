/** What the gateway sends to and takes from Converse: Bedrock runtime API reference, "Converse", "ConverseStream". */

export type ConverseBlock =
  | { readonly text: string }
  | { readonly image: { readonly format: string; readonly source: { readonly bytes: string } } }
  | { readonly toolUse: { readonly toolUseId: string; readonly name: string; readonly input: unknown } }
  | { readonly toolResult: ConverseToolResult };

export interface ConverseToolResult {
  readonly toolUseId: string;
  readonly content: readonly ConverseBlock[];
}

export interface ConverseMessage {
  readonly role: 'user' | 'assistant';
  readonly content: readonly ConverseBlock[];
}

export interface ConverseTool {
  readonly toolSpec: {
    readonly name: string;
    readonly description?: string;
    readonly inputSchema: { readonly json: unknown };
  };
}

export interface ConverseToolConfig {
  readonly tools: readonly ConverseTool[];
  readonly toolChoice?: { auto: object } | { any: object } | { tool: { name: string } };
}

export interface ConverseRequest {
  readonly messages: readonly ConverseMessage[];
  readonly system?: readonly { readonly text: string }[];
  readonly inferenceConfig?: {
    readonly maxTokens?: number;
    readonly temperature?: number;
    readonly topP?: number;
    readonly stopSequences?: readonly string[];
  };
  readonly toolConfig?: ConverseToolConfig;
  readonly guardrailConfig?: { readonly guardrailIdentifier: string; readonly guardrailVersion: string };
}
