import { createUniqueId, Show, splitProps, type JSX } from "solid-js";
import "./button.css";
import { Icon, type IconName } from "./icons";

interface Look {
  variant?: "primary" | "danger" | "quiet" | undefined;
  icon?: IconName | undefined;
  /** Without words on the screen: `label` is the name, and shown as a tooltip. */
  square?: boolean | undefined;
  small?: boolean | undefined;
  /** What it is called where the words on it do not say enough, such as in a list of workspaces. */
  label?: string | undefined;
  /** Why it cannot be pressed now; it stays reachable, and says so when it is. */
  refused?: string | undefined;
  children?: JSX.Element;
}

type Native = Omit<JSX.ButtonHTMLAttributes<HTMLButtonElement>, "onClick" | "children" | "disabled">;

const OWN = ["variant", "icon", "square", "small", "label", "refused", "children"] as const;

function classes(look: Look): Record<string, boolean> {
  return {
    button: true,
    square: Boolean(look.square),
    small: Boolean(look.small),
    ...(look.variant ? { [look.variant]: true } : {}),
  };
}

function Content(props: Look & { id: string }) {
  return (
    <>
      <Show when={props.icon}>{(icon) => <Icon name={icon()} />}</Show>
      {props.children}
      <Show when={props.refused}>
        {/* It describes the button; as a part of its name it would be read twice. */}
        <span class="hidden" id={props.id} aria-hidden="true">
          {props.refused}
        </span>
      </Show>
    </>
  );
}

/** A button. A refused one is not `disabled`, which would take it out of the reach of a keyboard. */
export function Button(props: Look & Native & { onClick?: ((event: MouseEvent) => void) | undefined; busy?: boolean | undefined }) {
  const [own, rest] = splitProps(props, OWN);
  const [act, native] = splitProps(rest, ["onClick", "busy"]);
  const id = createUniqueId();
  return (
    <button
      type="button"
      {...native}
      classList={classes(own)}
      aria-label={own.label}
      aria-disabled={Boolean(own.refused) || act.busy ? "true" : undefined}
      aria-busy={act.busy ? "true" : undefined}
      aria-describedby={own.refused ? id : undefined}
      data-tip={own.refused ?? (own.square ? own.label : undefined)}
      onClick={(event) => {
        if (own.refused || act.busy) event.preventDefault();
        else act.onClick?.(event);
      }}
    >
      <Content {...own} id={id} />
    </button>
  );
}

type Anchor = Omit<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, "children">;

/** A link that looks like a button. A refused one leads nowhere and says why. */
export function ButtonLink(props: Look & Anchor) {
  const [own, rest] = splitProps(props, OWN);
  const [link, native] = splitProps(rest, ["href"]);
  const id = createUniqueId();
  return (
    <a
      {...native}
      href={own.refused ? undefined : link.href}
      role={own.refused ? "link" : undefined}
      tabindex={own.refused ? "0" : undefined}
      classList={classes(own)}
      aria-label={own.label}
      aria-disabled={own.refused ? "true" : undefined}
      aria-describedby={own.refused ? id : undefined}
      data-tip={own.refused ?? (own.square ? own.label : undefined)}
    >
      <Content {...own} id={id} />
    </a>
  );
}
