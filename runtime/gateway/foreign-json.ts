/** A JSON object that somebody else made. */
export type Fields = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value if it is a JSON object, else an empty one. */
export function objectOf(value: unknown): Fields {
  return isObject(value) ? value : {};
}

/** The value as an error may show it: its beginning. */
export function show(value: unknown, characters = 100): string {
  return (JSON.stringify(value) ?? 'missing').slice(0, characters);
}
