import { createSignal, onCleanup, Show } from "solid-js";
import { useNotices } from "../stores/notices";
import { Button } from "./button";

const SAID_MS = 2000;

/** Puts a text into the clipboard, and says that it did. */
export function useCopy(): (text: string) => Promise<boolean> {
  const notices = useNotices();
  return async (text) => {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      notices.problem("The browser does not let this page copy. Select the text and copy it yourself.");
      return false;
    }
  };
}

export function CopyButton(props: { text: string | (() => string); label: string; words?: string }) {
  const copy = useCopy();
  const [done, setDone] = createSignal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  onCleanup(() => clearTimeout(timer));
  const press = async () => {
    if (!(await copy(typeof props.text === "function" ? props.text() : props.text))) return;
    setDone(true);
    clearTimeout(timer);
    timer = setTimeout(() => setDone(false), SAID_MS);
  };
  return (
    <>
      <Button
        variant="quiet"
        small
        square={!props.words}
        icon={done() ? "check" : "copy"}
        label={props.words ? undefined : props.label}
        onClick={() => void press()}
      >
        {props.words}
      </Button>
      <span class="hidden" role="status">
        <Show when={done()}>Copied</Show>
      </span>
    </>
  );
}
