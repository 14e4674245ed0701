import { For } from "solid-js";
import { useNotices } from "../stores/notices";
import { Icon } from "./icons";

export function Notices() {
  const { notices, dismiss } = useNotices();
  return (
    <div class="notices" role="log" aria-live="polite" aria-label="Messages">
      <For each={notices()}>
        {(notice) => (
          <div class={`notice notice-${notice.kind}`}>
            <span>{notice.text}</span>
            <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(notice.key)}>
              <Icon name="close" />
            </button>
          </div>
        )}
      </For>
    </div>
  );
}
