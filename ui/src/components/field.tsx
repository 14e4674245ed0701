import { createUniqueId, Show, type JSX } from "solid-js";
import "./field.css";

interface Aria {
  id: string;
  "aria-describedby": string;
  "aria-invalid": boolean;
}

/** A labelled input with its hint or, in the hint's place, what is wrong with it. */
export function Field(props: {
  label: string;
  hint?: JSX.Element;
  problem?: string | undefined;
  /** Read aloud, not shown: where a row of fields has its labels above. */
  quietLabel?: boolean;
  children: (aria: Aria) => JSX.Element;
}) {
  const id = createUniqueId();
  return (
    <div class="field" classList={{ wrong: Boolean(props.problem) }}>
      <label for={id} class="field-label" classList={{ hidden: props.quietLabel ?? false }}>
        {props.label}
      </label>
      {props.children({
        id,
        "aria-describedby": `${id}-note`,
        get "aria-invalid"() {
          return Boolean(props.problem);
        },
      })}
      <p id={`${id}-note`} class="field-note" hidden={props.quietLabel && !props.problem}>
        <Show when={props.problem} fallback={props.hint}>
          {props.problem}
        </Show>
      </p>
    </div>
  );
}
