import { createUniqueId, Show, type JSX } from "solid-js";
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

/**
 * What else a button may be given. Named one by one: attributes that are spread cost three times as much to make, and a
 * list makes dozens of buttons in a frame that scrolls.
 */
type Native = Pick<
  JSX.ButtonHTMLAttributes<HTMLButtonElement>,
  "type" | "class" | "autofocus" | "aria-haspopup" | "aria-expanded" | "aria-controls" | "aria-pressed" | "aria-keyshortcuts"
> & {
  onClick?: ((event: MouseEvent) => void) | undefined;
  onKeyDown?: ((event: KeyboardEvent) => void) | undefined;
};

function classes(look: Look & { class?: string | undefined }): Record<string, boolean> {
  return {
    button: true,
    ...(look.class ? { [look.class]: true } : {}),
    square: Boolean(look.square),
    small: Boolean(look.small),
    ...(look.variant ? { [look.variant]: true } : {}),
  };
}

function Content(props: Pick<Look, "icon" | "refused" | "children"> & { id: string }) {
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
export function Button(props: Look & Native & { busy?: boolean | undefined }) {
  const id = createUniqueId();
  return (
    <button
      type={props.type ?? "button"}
      classList={classes(props)}
      autofocus={props.autofocus}
      aria-label={props.label}
      aria-disabled={Boolean(props.refused) || props.busy ? "true" : undefined}
      aria-busy={props.busy ? "true" : undefined}
      aria-describedby={props.refused ? id : undefined}
      aria-haspopup={props["aria-haspopup"]}
      aria-expanded={props["aria-expanded"]}
      aria-controls={props["aria-controls"]}
      aria-pressed={props["aria-pressed"]}
      aria-keyshortcuts={props["aria-keyshortcuts"]}
      data-tip={props.refused ?? (props.square ? props.label : undefined)}
      onClick={(event) => {
        if (props.refused || props.busy) event.preventDefault();
        else props.onClick?.(event);
      }}
      onKeyDown={(event) => props.onKeyDown?.(event)}
    >
      <Content icon={props.icon} refused={props.refused} id={id}>
        {props.children}
      </Content>
    </button>
  );
}

type Anchor = Pick<JSX.AnchorHTMLAttributes<HTMLAnchorElement>, "href" | "target" | "rel" | "download" | "class"> & {
  onClick?: ((event: MouseEvent) => void) | undefined;
};

/** A link that looks like a button. A refused one leads nowhere and says why. */
export function ButtonLink(props: Look & Anchor) {
  const id = createUniqueId();
  return (
    <a
      href={props.refused ? undefined : props.href}
      target={props.target}
      rel={props.rel}
      download={props.download}
      role={props.refused ? "link" : undefined}
      tabindex={props.refused ? "0" : undefined}
      classList={classes(props)}
      aria-label={props.label}
      aria-disabled={props.refused ? "true" : undefined}
      aria-describedby={props.refused ? id : undefined}
      data-tip={props.refused ?? (props.square ? props.label : undefined)}
      onClick={(event) => props.onClick?.(event)}
    >
      <Content icon={props.icon} refused={props.refused} id={id}>
        {props.children}
      </Content>
    </a>
  );
}
