import { useLocation } from "@solidjs/router";
import { createMemo, createSignal, For } from "solid-js";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field } from "../components/field";
import { Menu } from "../components/menu";
import { matchesQuery, parseQuery } from "../lib/query";
import { SORT_LABEL, SORTS } from "../lib/sort";
import { useSession } from "../stores/session";
import { forgetView, savedViews, saveView } from "./saved";
import { Search } from "./search";
import "./toolbar.css";
import type { View } from "./view";

const VIEWS = [
  { label: "All", q: "" },
  { label: "Yours", q: "owner:me" },
  { label: "Running", q: "status:running" },
  { label: "Starting", q: "status:starting" },
  { label: "Failed", q: "status:failed" },
  { label: "Stopped", q: "status:stopped" },
] as const;

/** Views that everybody has, with how many workspaces are in each, and those of this browser. */
function Views(props: { view: View }) {
  const { me } = useSession();
  const location = useLocation();
  const counts = createMemo(() =>
    VIEWS.map(({ q }) => {
      const terms = parseQuery(q);
      return props.view.all().filter((server) => matchesQuery(terms, server, me.value()?.login)).length;
    }),
  );
  const address = (q: string) => {
    const params = new URLSearchParams(location.search);
    params.delete("q");
    if (q) params.set("q", q);
    return `/${params.size > 0 ? `?${params}` : ""}`;
  };
  return (
    <nav class="views" aria-label="Views">
      <For each={VIEWS}>
        {({ label, q }, index) => (
          <a
            class="view"
            href={address(q)}
            aria-current={props.view.query() === q ? "page" : undefined}
            // An empty view of a state is not worth its place.
            hidden={index() > 1 && counts()[index()] === 0 && props.view.query() !== q}
          >
            {label} <span class="view-count">{counts()[index()]}</span>
          </a>
        )}
      </For>
      <For each={savedViews()}>
        {(saved) => (
          <span class="view-saved">
            <a class="view" href={`/${saved.search}`} aria-current={location.search === saved.search ? "page" : undefined}>
              {saved.name}
            </a>
            <Button variant="quiet" square small icon="close" label={`Forget the view ${saved.name}`} onClick={() => forgetView(saved.name)} />
          </span>
        )}
      </For>
    </nav>
  );
}

function SaveView(props: { open: boolean; onClose: () => void }) {
  const location = useLocation();
  const [name, setName] = createSignal("");
  const save = (event: SubmitEvent) => {
    event.preventDefault();
    if (!name().trim()) return;
    saveView({ name: name().trim(), search: location.search });
    props.onClose();
  };
  return (
    <Dialog open={props.open} onClose={props.onClose} title="Save this view" width="narrow">
      <form onSubmit={save}>
        <Field label="Name" hint="Kept in this browser; to share a view, share its address.">
          {(aria) => <input {...aria} value={name()} maxlength="40" onInput={(event) => setName(event.currentTarget.value)} />}
        </Field>
        <div class="buttons">
          <Button onClick={() => props.onClose()}>Cancel</Button>
          <Button type="submit" variant="primary">
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

export function Toolbar(props: { view: View; searchField: (field: HTMLInputElement) => void; onDeleteAll: () => void }) {
  const { whyNot } = useSession();
  const [saving, setSaving] = createSignal(false);
  const order = () => props.view.order();
  return (
    <div class="toolbar">
      <Views view={props.view} />
      <div class="toolbar-row">
        <Search view={props.view} ref={props.searchField} />
        <Menu
          label={`Sorted by: ${SORT_LABEL[order().key]}`}
          icon="sort"
          text={SORT_LABEL[order().key]}
          items={[
            ...SORTS.map((key) => ({
              label: SORT_LABEL[key],
              checked: order().key === key,
              act: () => props.view.setOrder({ key, reversed: false }),
            })),
            {
              label: "Reversed",
              checked: order().reversed,
              act: () => props.view.setOrder({ ...order(), reversed: !order().reversed }),
            },
          ]}
        />
        <Button
          square
          icon={props.view.cards() ? "columns" : "cards"}
          label={props.view.cards() ? "Show as a table" : "Show as cards"}
          onClick={() => props.view.setCards(!props.view.cards())}
        />
        <Menu
          label="More for this list"
          items={[
            { label: "Save this view…", icon: "add", act: () => setSaving(true) },
            { label: "Delete all…", icon: "remove", danger: true, refused: whyNot("stopAll"), act: () => props.onDeleteAll() },
          ]}
        />
      </div>
      <SaveView open={saving()} onClose={() => setSaving(false)} />
    </div>
  );
}
