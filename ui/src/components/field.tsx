import { createUniqueId, Show, type JSX } from "solid-js";

/** A labelled input with its hint or, in the hint's place, what is wrong with it. */
export function Field(props: {
  label: string;
  hint?: string;
  problem?: string | undefined;
  children: (aria: { id: string; "aria-describedby": string; "aria-invalid": boolean }) => JSX.Element;
}) {
  const id = createUniqueId();
  return (
    <div class="field" classList={{ wrong: Boolean(props.problem) }}>
      <label for={id}>{props.label}</label>
      {props.children({
        id,
        "aria-describedby": `${id}-note`,
        get "aria-invalid"() {
          return Boolean(props.problem);
        },
      })}
      <p id={`${id}-note`} class="note">
        <Show when={props.problem} fallback={props.hint}>
          {props.problem}
        </Show>
      </p>
    </div>
  );
}
