import { Show, type JSX } from "solid-js";
import "./alert.css";
import { Icon } from "./icons";

/** What is wrong, in a sentence, with the button that helps. `kind` is shown by an icon and told by the words. */
export function Alert(props: {
  kind?: "problem" | "warning" | "note";
  title?: string | undefined;
  children?: JSX.Element;
  action?: JSX.Element;
  /** Said aloud when it appears; not for what is there from the start. */
  live?: boolean;
}) {
  const kind = () => props.kind ?? "problem";
  return (
    <div class={`alert alert-${kind()}`} role={props.live ? "alert" : undefined}>
      <Icon name={kind() === "problem" ? "alert" : "warning"} />
      <div class="alert-words">
        <Show when={props.title}>
          <b>{props.title}</b>
        </Show>
        {props.children}
      </div>
      <Show when={props.action}>
        <div class="alert-action">{props.action}</div>
      </Show>
    </div>
  );
}
