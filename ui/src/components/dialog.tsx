import { createEffect, onCleanup, type JSX } from "solid-js";
import { Icon } from "./icons";

/** A modal of the browser's own: it keeps the focus inside, closes on Escape and gives the focus back. */
export function Dialog(props: {
  open: boolean;
  onClose: () => void;
  title: string;
  children: JSX.Element;
  narrow?: boolean;
}) {
  let element!: HTMLDialogElement;
  createEffect(() => {
    if (props.open && !element.open) element.showModal();
    if (!props.open && element.open) element.close();
  });
  onCleanup(() => element.open && element.close());
  return (
    <dialog
      ref={element}
      class="dialog"
      classList={{ narrow: props.narrow ?? false }}
      aria-label={props.title}
      onClose={() => props.onClose()}
    >
      <div class="dialog-head">
        <h2>{props.title}</h2>
        <button type="button" class="quiet" aria-label="Close" onClick={() => props.onClose()}>
          <Icon name="close" />
        </button>
      </div>
      {props.children}
    </dialog>
  );
}
