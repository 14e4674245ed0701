import { createEffect } from "solid-js";
import { useSession } from "./session";

/** `workspace`, `team` → `workspace · team`: what tabs and readers call the page. */
export function useTitle(page: () => string): void {
  const { config } = useSession();
  createEffect(() => {
    const name = config.value()?.name;
    document.title = [page(), name && name !== "guildnet" ? name : "GuildNet"].filter(Boolean).join(" · ");
  });
}
