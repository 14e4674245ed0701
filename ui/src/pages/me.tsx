import { For, Show } from "solid-js";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Icon } from "../components/icons";
import { Avatar, Badge } from "../components/status";
import type { Action, Me } from "../api/types";
import { signOut } from "../shell/header";
import { DOES, useSession } from "../stores/session";
import { setTheme, theme, THEMES } from "../stores/theme";
import { useTitle } from "../stores/title";
import "./me.css";

const KIND: Record<Me["kind"], string> = {
  user: "A person of the tailnet",
  node: "A device of the tailnet",
  token: "Whoever holds this token of the cluster",
  anonymous: "Nobody that is known here",
};

const THEME_LABEL = { system: "As the system has it", light: "Light", dark: "Dark" } as const;

export function MePage() {
  const { me, config } = useSession();
  useTitle(() => "You and your rights");
  return (
    <>
      <div class="page-head">
        <h1>You and your rights</h1>
      </div>
      <Show when={me.error() && !me.value()}>
        <Alert
          live
          title="It cannot be found out who you are."
          action={
            <Button icon="refresh" onClick={() => me.retry()}>
              Try again
            </Button>
          }
        >
          {me.error()?.message}
        </Alert>
      </Show>
      <div class="me-page">
        <Show when={me.value()}>{(who) => <Person who={who()} />}</Show>
        <section class="panel">
          <h2>Theme</h2>
          <fieldset class="me-themes">
            <legend class="hidden">Theme</legend>
            <For each={THEMES}>
              {(choice) => (
                <label class="row">
                  <input type="radio" name="theme" checked={theme() === choice} onChange={() => setTheme(choice)} />
                  {THEME_LABEL[choice]}
                </label>
              )}
            </For>
          </fieldset>
        </section>
        <section class="panel">
          <h2>This install</h2>
          <dl class="facts">
            <div>
              <dt>Name</dt>
              <dd>{config.value()?.name ?? "–"}</dd>
            </div>
            <div>
              <dt>Version</dt>
              <dd>{config.value()?.version ?? "–"}</dd>
            </div>
          </dl>
        </section>
      </div>
    </>
  );
}

function Person(props: { who: Me }) {
  const allowed = (action: Action) => props.who.actions.includes(action);
  return (
    <>
      <section class="panel">
        <div class="me-person">
          <Avatar name={props.who.login || "?"} />
          <div>
            <h2>{props.who.displayName || props.who.login}</h2>
            <p class="muted">{props.who.login}</p>
          </div>
          <Button icon="key" onClick={signOut}>
            Sign out
          </Button>
        </div>
        <p class="muted">
          {KIND[props.who.kind]}
          <Show when={props.who.roles.length > 0}>
            , in the role <For each={props.who.roles}>{(role) => <Badge>{role}</Badge>}</For>
          </Show>
          .
        </p>
      </section>
      <section class="panel">
        <h2>What you may do</h2>
        <ul class="rights">
          <For each={Object.entries(DOES) as [Action, string][]}>
            {([action, words]) => (
              <li classList={{ refused: !allowed(action) }}>
                <Icon name={allowed(action) ? "check" : "close"} />
                <span>
                  {allowed(action) ? "You may" : "You may not"} {words}
                </span>
              </li>
            )}
          </For>
        </ul>
        <p class="muted small">
          On at least some workspace, that is: whoever runs this install grants actions by Capability objects
          (<code>kubectl get capabilities -A</code>), each for some people and some workspaces.
        </p>
      </section>
    </>
  );
}
