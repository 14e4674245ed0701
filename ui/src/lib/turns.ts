/** Does something for every item, for so many of them at a time. */
export async function inTurns<T>(items: readonly T[], atOnce: number, act: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    const item = items[next++];
    if (item === undefined) return;
    await act(item);
    await worker();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
