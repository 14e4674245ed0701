import { createEffect, onCleanup, Show, type JSX } from "solid-js";
import { Button } from "./button";
import "./dialog.css";

/**
 * A modal of the browser's own: it keeps the focus inside, closes on Escape and gives the focus back. The focus goes to
 * what has `autofocus`, else to the first field or, where there is none, to the first button below the head.
 */
export function Dialog(props: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: JSX.Element;
  width?: "narrow" | "wide";
}) {
  let element!: HTMLDialogElement;
  createEffect(() => {
    if (props.open && !element.open) {
      element.setAttribute("closedby", "any"); // a click beside it, where the browser knows that
      element.showModal();
      const first = element.querySelector<HTMLElement>(
        "[autofocus], .dialog-body :is(input, textarea, select):not([type=hidden]), .dialog-body button",
      );
      first?.focus();
    }
    if (!props.open && element.open) element.close();
  });
  onCleanup(() => element.open && element.close());
  return (
    <dialog
      ref={element}
      class="dialog"
      classList={{ narrow: props.width === "narrow", wide: props.width === "wide" }}
      aria-label={props.title}
      onClose={() => props.onClose()}
    >
      <Show when={props.open}>
        <div class="dialog-head">
          <h2>{props.title}</h2>
          <Button variant="quiet" square small icon="close" label="Close" onClick={() => props.onClose()} />
        </div>
        <div class="dialog-body">{props.children}</div>
      </Show>
    </dialog>
  );
}
