import { For } from "solid-js";
import { Icon } from "../components/icons";
import { presetIcon } from "../lib/presets";
import { useSession } from "../stores/session";
import "./empty.css";

/** The first visit: what a workspace is, by the three ways to get one. */
export function Empty() {
  const { presets, whyNot } = useSession();
  return (
    <section class="panel first">
      <h2>Nothing runs here yet</h2>
      <p class="muted">
        A workspace is a program with a page of its own – a notebook, an editor, a service – that runs in the cluster and opens in
        your browser.
      </p>
      <div class="first-cards">
        <For each={presets.value() ?? []}>
          {(preset) => (
            <a class="first-card" href={`/new?preset=${encodeURIComponent(preset.name ?? preset.label)}`}>
              <Icon name={presetIcon(preset.icon)} />
              <b>{preset.label}</b>
              <span class="muted small">{preset.description ?? preset.image}</span>
            </a>
          )}
        </For>
        <a class="first-card" href="/new?image=">
          <Icon name="box" />
          <b>Any image</b>
          <span class="muted small">Whatever container answers on a port</span>
        </a>
      </div>
      <p class="muted small" hidden={!whyNot("launch")}>
        {whyNot("launch")}
      </p>
    </section>
  );
}
