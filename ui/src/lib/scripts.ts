const RETRY_MS = 2000;

/** Whether GuildNet answers at all. */
async function answers(): Promise<boolean> {
  try {
    return (await fetch("/api/ui-config", { signal: AbortSignal.timeout(10_000) })).ok;
  } catch {
    return false;
  }
}

/**
 * A script of the interface, asked for again while the network or GuildNet is away. Raises what the browser says of one
 * that is not there although GuildNet answers: that of an older release.
 */
export async function untilThere<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch {
    // It may have come back since, so that the script has one more try.
    if (await answers()) return load();
    await new Promise((wake) => setTimeout(wake, RETRY_MS));
    return untilThere(load);
  }
}
