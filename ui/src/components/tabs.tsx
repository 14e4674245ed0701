import { A } from "@solidjs/router";
import { For, Show } from "solid-js";
import { Icon, type IconName } from "./icons";
import "./tabs.css";

export interface Tab {
  href: string;
  label: string;
  icon?: IconName;
  /** A number or mark beside the label. */
  badge?: string | undefined;
}

/** Tabs whose place is in the address: links, of which one is the current page. */
export function Tabs(props: { label: string; tabs: readonly Tab[] }) {
  return (
    <nav class="tabs" aria-label={props.label}>
      <For each={props.tabs}>
        {(tab) => (
          <A class="tab" href={tab.href} noScroll>
            <Show when={tab.icon}>{(icon) => <Icon name={icon()} />}</Show>
            {tab.label}
            <Show when={tab.badge}>
              <span class="badge">{tab.badge}</span>
            </Show>
          </A>
        )}
      </For>
    </nav>
  );
}
