import { For, Show } from "solid-js";
import { Button } from "../components/button";
import { Icon } from "../components/icons";
import { useNotices } from "../stores/notices";
import "./notices.css";

/** What actions came to, in a corner; read aloud as it comes. */
export function Notices() {
  const { notices, dismiss, hold } = useNotices();
  return (
    <div
      class="notices"
      role="log"
      aria-live="polite"
      aria-label="Messages"
      onPointerEnter={() => hold(true)}
      onPointerLeave={() => hold(false)}
      onFocusIn={() => hold(true)}
      onFocusOut={() => hold(false)}
    >
      <For each={notices()}>
        {(notice) => (
          <div class={`notice notice-${notice.kind}`}>
            <Icon name={notice.kind === "done" ? "check" : "alert"} />
            <span class="notice-words">{notice.text}</span>
            <Show when={notice.action}>
              {(action) => (
                <Button
                  small
                  onClick={() => {
                    dismiss(notice.key);
                    action().run();
                  }}
                >
                  {action().label}
                </Button>
              )}
            </Show>
            <Button variant="quiet" square small icon="close" label="Dismiss" onClick={() => dismiss(notice.key)} />
          </div>
        )}
      </For>
    </div>
  );
}
