/**
 * What the gateway has to know of a chat model that it speaks to by Bedrock's Converse: all but Claude.
 *
 * Of the models that have constants, and of some more, it is known; here it is said for another model, or otherwise. A
 * model must know tools: Letta's agents need them.
 */
export interface ChatModelOptions {
  /**
   * Tokens that the model's context holds. Letta shortens a conversation in time for it.
   *
   * @default - the model's own, if this release knows it; else the model cannot be used for chat
   */
  readonly contextLength?: number;

  /**
   * Most tokens that one answer may have. Letta asks every model for 16,384, and Bedrock refuses more than a model can write.
   *
   * @default - the model's own, if this release knows it; else 4,096
   */
  readonly maxOutputTokens?: number;

  /**
   * Whether the model takes images.
   *
   * @default - as this release knows it, else false
   */
  readonly images?: boolean;

  /**
   * Whether the model streams while it has tools. If not, an agent's answer comes in one piece.
   *
   * @default - as this release knows it, else false
   */
  readonly streamsTools?: boolean;

  /**
   * Whether the model can be made to call some tool: `toolChoice.any` of Converse. Letta's older types of agents need it.
   *
   * @default - as this release knows it, else false
   */
  readonly toolChoiceAny?: boolean;

  /**
   * Whether the model can be made to call a certain tool: `toolChoice.tool` of Converse. Letta's tool rules may need it.
   *
   * @default - as this release knows it, else false
   */
  readonly toolChoiceTool?: boolean;
}

/** How a model that is called in the stack's own region differs from what this library knows. */
export interface FoundationModelOptions extends ChatModelOptions {
  /**
   * Regions that have the model: the stack's region must be one of them.
   *
   * Needed for a region that AWS opened to the model after this release; `aws bedrock list-foundation-models --region REGION`
   * says what a region has.
   *
   * @default - those of AWS's list at the time of this release, for the models that have constants; else any region
   */
  readonly regions?: string[];
}

/** How a cross-region inference profile, or its model, differs from what this library knows. */
export interface InferenceProfileOptions extends ChatModelOptions {
  /**
   * Regions the profile may be called from and routes to.
   *
   * Needed for a geography or a region that AWS opened after this release; `aws bedrock get-inference-profile` lists them.
   *
   * @default - the regions of the geography that the id's prefix names
   */
  readonly regions?: string[];
}

/** How an embedding model is asked. */
export interface EmbeddingOptions {
  /**
   * Length of the vectors. Letta stores at most 4,096 numbers.
   *
   * @default - the model's own: Titan v1 1536, Titan v2 1024, Cohere v3 1024, Cohere v4 1536
   */
  readonly dimensions?: number;

  /**
   * Regions that an inference profile may be called from and routes to, or that have a model without one.
   *
   * @default - what AWS's tables said at the time of this release: a profile's regions, and those of the models that have constants
   */
  readonly regions?: string[];
}
