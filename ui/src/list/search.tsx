import { createMemo, createSignal, createUniqueId, For, Show } from "solid-js";
import { Icon } from "../components/icons";
import { completions, type Completion } from "../lib/query";
import "./search.css";
import type { View } from "./view";

/** The box of the query, which proposes how to go on; `ref` is for the key that leads here. */
export function Search(props: { view: View; ref: (field: HTMLInputElement) => void }) {
  const id = createUniqueId();
  const [open, setOpen] = createSignal(false);
  const [at, setAt] = createSignal(-1);
  let field!: HTMLInputElement;
  const offered = createMemo(() => (open() ? completions(props.view.typed(), props.view.all()) : []));

  const take = (completion: Completion | undefined) => {
    if (!completion) return;
    props.view.type(completion.text);
    setAt(-1);
    field.focus();
  };
  const key = (event: KeyboardEvent) => {
    const many = offered().length;
    if (event.key === "Escape") {
      if (open() && many > 0) setOpen(false);
      else if (props.view.typed()) props.view.search("");
      else field.blur();
    } else if (event.key === "ArrowDown" && many > 0) setAt((at() + 1) % many);
    else if (event.key === "ArrowUp" && many > 0) setAt(at() <= 0 ? many - 1 : at() - 1);
    else if (event.key === "Enter" || (event.key === "Tab" && at() >= 0)) {
      if (at() < 0) return setOpen(false);
      take(offered()[at()]);
    } else {
      if (event.key.length === 1) setOpen(true);
      return;
    }
    event.preventDefault();
  };

  return (
    <div class="search">
      <Icon name="search" />
      <input
        ref={(element) => {
          field = element;
          props.ref(element);
        }}
        type="text"
        role="combobox"
        inputmode="search"
        enterkeyhint="search"
        autocomplete="off"
        spellcheck={false}
        aria-label="Search workspaces"
        aria-expanded={offered().length > 0}
        aria-controls={id}
        aria-autocomplete="list"
        aria-activedescendant={at() >= 0 ? `${id}-${at()}` : undefined}
        aria-keyshortcuts="/"
        placeholder="Search, or owner:me status:failed image:…"
        value={props.view.typed()}
        onInput={(event) => {
          props.view.type(event.currentTarget.value);
          setOpen(true);
          setAt(-1);
        }}
        onFocus={() => setOpen(true)}
        onBlur={() => setOpen(false)}
        onKeyDown={key}
      />
      <Show when={props.view.typed()} fallback={<kbd aria-hidden="true">/</kbd>}>
        <button type="button" class="search-clear" aria-label="Clear the search" onClick={() => props.view.search("")}>
          <Icon name="close" />
        </button>
      </Show>
      <div class="search-list" role="listbox" id={id} aria-label="Ways to go on" hidden={offered().length === 0}>
        <For each={offered()}>
          {(completion, index) => (
            <div
              role="option"
              tabindex="-1"
              id={`${id}-${index()}`}
              aria-selected={index() === at()}
              class="search-option"
              // Before the field loses the focus, which closes the list.
              onPointerDown={(event) => {
                event.preventDefault();
                take(completion);
              }}
            >
              <span>{completion.label}</span>
              <span class="muted small">{completion.hint}</span>
            </div>
          )}
        </For>
      </div>
    </div>
  );
}
