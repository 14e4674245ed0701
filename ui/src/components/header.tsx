import { A } from "@solidjs/router";
import { createEffect, Show } from "solid-js";
import type { StreamState } from "../api/stream";
import { useSession } from "../stores/session";

const STREAM: Record<StreamState | "stale", { label: string; title: string }> = {
  live: { label: "Live", title: "Changes arrive as they happen" },
  connecting: { label: "Connecting", title: "Opening the stream of changes" },
  stale: { label: "Old", title: "The cluster does not answer GuildNet; what is shown may be old" },
  waiting: { label: "Reconnecting", title: "The connection was lost; what is shown may be old" },
};

export function Header() {
  const { config, me, list } = useSession();
  const name = () => (config.state === "ready" ? config().name : "GuildNet");
  const state = () => (list.stream() === "live" && list.stale() > 0 ? "stale" : list.stream());
  createEffect(() => {
    document.title = name() === "guildnet" ? "GuildNet" : `${name()} · GuildNet`;
  });
  return (
    <header class="bar">
      <A href="/" class="brand">
        <img src="/icon.svg" alt="" width="28" height="28" />
        <span class="brand-name">{name() === "guildnet" ? "GuildNet" : name()}</span>
      </A>
      <span class={`stream stream-${state()}`} role="status" title={STREAM[state()].title}>
        <span class="dot" />
        {STREAM[state()].label}
      </span>
      <Show when={me.state === "ready" && me()}>
        {(who) => (
          <div class="me">
            <Show
              when={who().kind !== "anonymous"}
              fallback={<span class="me-name">Not signed in</span>}
            >
              <span class="me-name" title={who().login}>
                {who().displayName || who().login}
              </span>
              <Show when={who().roles?.length}>
                <span class="tag">{who().roles?.join(", ")}</span>
              </Show>
            </Show>
          </div>
        )}
      </Show>
    </header>
  );
}
