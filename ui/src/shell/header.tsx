import { A } from "@solidjs/router";
import { Show } from "solid-js";
import { signInAddress } from "../api/auth";
import { Button } from "../components/button";
import { Menu, type MenuItem } from "../components/menu";
import { plainName } from "../lib/people";
import { setTheme, theme, THEMES } from "../stores/theme";
import { useSession } from "../stores/session";
import { Connection } from "./connection";
import "./header.css";
import { paletteKeys, useShell } from "./shell";

const THEME_LABEL = { system: "Theme of the system", light: "Light theme", dark: "Dark theme" } as const;
const THEME_ICON = { system: "system", light: "sun", dark: "moon" } as const;

/** Ends the session; the front door's answer leads to where one signs in. */
export function signOut(): void {
  const form = document.createElement("form");
  form.method = "post";
  form.action = "/logout";
  document.body.append(form);
  form.submit();
}

export function Header() {
  const { config, me } = useSession();
  const shell = useShell();
  const name = () => config.value()?.name ?? "GuildNet";
  const who = () => me.value();
  const stranger = () => who()?.kind === "anonymous";
  const items = (): MenuItem[] => [
    { label: "You and your rights", icon: "user", href: "/me" },
    { label: "Health and usage", icon: "health", href: "/health" },
    { label: "Keyboard shortcuts", icon: "keyboard", act: () => shell.showKeys() },
    ...THEMES.map((choice) => ({
      label: THEME_LABEL[choice],
      icon: THEME_ICON[choice],
      checked: theme() === choice,
      act: () => setTheme(choice),
    })),
    stranger()
      ? { label: "Sign in", icon: "key" as const, act: () => location.assign(signInAddress()) }
      : { label: "Sign out", icon: "key" as const, act: signOut },
  ];
  return (
    <header class="bar">
      <A href="/" class="brand" end>
        <img src="/icon.svg" alt="" width="26" height="26" />
        <span class="brand-name">{name() === "guildnet" ? "GuildNet" : name()}</span>
      </A>
      <Connection />
      <Button class="jump" icon="search" aria-keyshortcuts="Control+K" onClick={() => shell.showPalette()}>
        <span class="jump-words">Find or do …</span>
        <kbd aria-hidden="true">{paletteKeys}</kbd>
      </Button>
      <div class="me">
        <Show when={me.state() === "failed" && !who()}>
          <Button small icon="refresh" onClick={() => me.retry()}>
            Who am I?
          </Button>
        </Show>
        <Show when={who()}>
          {(known) => (
            <Menu
              variant="quiet"
              icon="user"
              label={`${stranger() ? "Not signed in" : known().displayName || known().login}: account and settings`}
              text={stranger() ? "Not signed in" : plainName(known().displayName || known().login)}
              items={items()}
            />
          )}
        </Show>
      </div>
    </header>
  );
}
