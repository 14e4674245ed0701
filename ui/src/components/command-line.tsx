import { Show } from "solid-js";
import { CopyButton } from "./copy";
import "./command-line.css";

/** A line for a shell, with a button that copies it. */
export function CommandLine(props: { line: string; what?: string }) {
  return (
    <div class="command-line">
      <Show when={props.what}>
        <span class="command-what">{props.what}</span>
      </Show>
      <code>{props.line}</code>
      <CopyButton text={props.line} label="Copy this command" />
    </div>
  );
}
