/** The promise, or an error saying `otherwise` if it takes longer. What it was doing is not stopped. */
export async function within<T>(ms: number, promise: Promise<T>, otherwise: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(otherwise)), ms)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
