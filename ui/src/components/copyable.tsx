import { CopyButton } from "./copy";
import "./copyable.css";

/** Text to be taken elsewhere, with a button that copies it. */
export function Copyable(props: { label: string; text: string; wrap?: boolean }) {
  return (
    <figure class="copyable">
      <figcaption>
        <span class="field-label">{props.label}</span>
        <CopyButton text={() => props.text} label={`Copy: ${props.label}`} />
      </figcaption>
      <pre tabindex="0" classList={{ wrap: props.wrap ?? false }}>
        {props.text}
      </pre>
    </figure>
  );
}
