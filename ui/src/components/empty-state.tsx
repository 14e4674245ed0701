import { Show, type JSX } from "solid-js";
import "./empty-state.css";
import { Icon, type IconName } from "./icons";

/** A place where nothing is yet: what would be here, and the way to get it. */
export function EmptyState(props: { icon?: IconName; title: string; level?: 1 | 2; children?: JSX.Element; action?: JSX.Element }) {
  return (
    <div class="panel empty">
      <Show when={props.icon}>{(icon) => <Icon name={icon()} />}</Show>
      <Show when={props.level === 1} fallback={<h2>{props.title}</h2>}>
        <h1 tabindex="-1">{props.title}</h1>
      </Show>
      {props.children}
      <Show when={props.action}>
        <div class="row">{props.action}</div>
      </Show>
    </div>
  );
}
