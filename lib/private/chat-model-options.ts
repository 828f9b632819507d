import { ConverseFeature } from '../../runtime/contract';
import { ChatModelOptions } from '../bedrock-model-options';

/** What the model can do: as it was said, else as it is known. */
export function featuresOf(chat: ChatModelOptions, known: readonly ConverseFeature[]): ConverseFeature[] {
  const said: { [feature in ConverseFeature]: boolean | undefined } = {
    [ConverseFeature.IMAGES]: chat.images,
    [ConverseFeature.STREAMED_TOOLS]: chat.streamsTools,
    [ConverseFeature.ANY_TOOL]: chat.toolChoiceAny,
    [ConverseFeature.NAMED_TOOL]: chat.toolChoiceTool,
  };
  return Object.values(ConverseFeature).filter((feature) => said[feature] ?? known.includes(feature));
}

/** @throws if it is given and no number of tokens */
export function tokens(id: string, option: string, value: number | undefined): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value > 0)) return value;
  throw new Error(`BedrockModel: ${option} of '${id}' is ${value}, wanted a number of tokens: change ${option}`);
}

/** @throws if something is said of a model that only one called by Converse has */
export function refuseChatOptions(id: string, chat: ChatModelOptions): void {
  const given = (
    ['contextLength', 'maxOutputTokens', 'images', 'streamsTools', 'toolChoiceAny', 'toolChoiceTool'] as const
  ).find((option) => chat[option] !== undefined);
  if (given !== undefined) {
    throw new Error(
      `BedrockModel: ${given} of '${id}' is given, wanted only for chat models other than Claude, which Letta knows ` +
        'itself: leave it out',
    );
  }
}
