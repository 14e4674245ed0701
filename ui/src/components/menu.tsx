import { createEffect, createSignal, createUniqueId, Index, onCleanup, Show } from "solid-js";
import { Portal } from "solid-js/web";
import { Button } from "./button";
import { Icon, type IconName } from "./icons";
import "./menu.css";

export interface MenuItem {
  label: string;
  icon?: IconName;
  /** Where it leads; else `act` is what it does. */
  href?: string;
  newTab?: boolean;
  act?: () => void;
  danger?: boolean;
  /** Ticked, where it is one choice of several. */
  checked?: boolean;
  /** Why it cannot be chosen now. */
  refused?: string | undefined;
}

interface Props {
  /** What the button is called. */
  label: string;
  icon?: IconName;
  /** Words on the button; without them it is a square with `icon`. */
  text?: string;
  items: readonly MenuItem[];
  /** What is to be found out for the items when somebody looks. */
  onOpen?: () => void;
  small?: boolean;
  variant?: "quiet";
}

const GAP = 4;

/** A button that opens a list of actions: arrows, Home, End and letters move in it, Escape and Tab leave it. */
export function Menu(props: Props) {
  const [open, setOpen] = createSignal(false);
  const id = createUniqueId();
  let button!: HTMLSpanElement;
  let list: HTMLDivElement | undefined;

  const entries = () => [...(list?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
  const close = (focus: boolean) => {
    setOpen(false);
    if (focus) button.querySelector("button")?.focus();
  };
  const place = () => {
    if (!list) return;
    const [anchor, own] = [button.getBoundingClientRect(), list.getBoundingClientRect()];
    const [below, above] = [anchor.bottom + GAP, anchor.top - GAP - own.height];
    const lowest = window.innerHeight - GAP - own.height;
    // Where there is no place for it below nor above, as in a page at 200 %, it covers its button.
    list.style.top = `${below <= lowest ? below : above >= GAP ? above : Math.max(GAP, lowest)}px`;
    list.style.left = `${Math.max(GAP, Math.min(anchor.right - own.width, window.innerWidth - own.width - GAP))}px`;
  };
  const move = (event: KeyboardEvent) => {
    const all = entries();
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = {
      ArrowDown: (at + 1) % all.length,
      ArrowUp: (at + all.length - 1) % all.length,
      Home: 0,
      End: all.length - 1,
    }[event.key];
    if (event.key === "Escape" || event.key === "Tab") {
      close(true);
      if (event.key === "Escape") event.preventDefault();
    } else if (to !== undefined) {
      event.preventDefault();
      all[to]?.focus();
    } else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== " ") {
      const letter = event.key.toLowerCase();
      [...all.slice(at + 1), ...all].find((entry) => entry.textContent?.trim().toLowerCase().startsWith(letter))?.focus();
    }
    event.stopPropagation();
  };
  const away = (event: Event) => {
    const target = event.target as Node;
    if (!list?.contains(target) && !button.contains(target)) close(false);
  };

  createEffect(() => {
    if (!open()) return;
    props.onOpen?.();
    place();
    entries()[0]?.focus({ preventScroll: true });
    document.addEventListener("pointerdown", away);
    window.addEventListener("scroll", place, { passive: true, capture: true });
    window.addEventListener("resize", place);
    onCleanup(() => {
      document.removeEventListener("pointerdown", away);
      window.removeEventListener("scroll", place, { capture: true });
      window.removeEventListener("resize", place);
    });
  });

  const choose = (item: MenuItem) => (event: MouseEvent) => {
    if (item.refused) return event.preventDefault();
    close(!item.href || Boolean(item.newTab));
    item.act?.();
  };

  return (
    <>
      <span class="menu-anchor" ref={button}>
        <Button
          variant={props.variant}
          small={props.small}
          square={!props.text}
          icon={props.icon ?? "more"}
          label={props.label}
          aria-haspopup="menu"
          aria-expanded={open() ? "true" : "false"}
          aria-controls={open() ? id : undefined}
          onClick={() => setOpen(!open())}
          onKeyDown={(event) => {
            if (event.key !== "ArrowDown" || open()) return;
            event.preventDefault();
            setOpen(true);
          }}
        >
          {props.text}
        </Button>
      </span>
      <Show when={open()}>
        {/* Within the landmark that it belongs to, and out of whatever cuts off its button. */}
        <Portal mount={button.closest<HTMLElement>("main, header, dialog") ?? document.body}>
          <div class="menu" role="menu" id={id} aria-label={props.label} tabindex="-1" ref={list} onKeyDown={move}>
            {/* By place: an item that is told anew keeps its element, and the focus. */}
            <Index each={props.items}>{(item) => <Entry item={item()} onChoose={(event) => choose(item())(event)} />}</Index>
          </div>
        </Portal>
      </Show>
    </>
  );
}

function Entry(props: { item: MenuItem; onChoose: (event: MouseEvent) => void }) {
  const inside = () => (
    <>
      <Show when={props.item.icon} fallback={<span class="menu-space" />}>
        {(icon) => <Icon name={icon()} />}
      </Show>
      <span class="menu-words">
        {props.item.label}
        <Show when={props.item.refused}>
          <small>{props.item.refused}</small>
        </Show>
      </span>
      <Show when={props.item.checked}>
        <Icon name="check" />
      </Show>
    </>
  );
  return (
    <Show
      when={props.item.href && !props.item.refused}
      fallback={
        <button
          type="button"
          role={props.item.checked === undefined ? "menuitem" : "menuitemradio"}
          aria-checked={props.item.checked}
          aria-disabled={props.item.refused ? "true" : undefined}
          tabindex="-1"
          class="menu-item"
          classList={{ danger: props.item.danger ?? false }}
          onClick={(event) => props.onChoose(event)}
        >
          {inside()}
        </button>
      }
    >
      <a
        role="menuitem"
        tabindex="-1"
        class="menu-item"
        href={props.item.href}
        target={props.item.newTab ? "_blank" : undefined}
        rel={props.item.newTab ? "noopener" : undefined}
        onClick={(event) => props.onChoose(event)}
      >
        {inside()}
      </a>
    </Show>
  );
}
