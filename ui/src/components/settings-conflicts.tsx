import { For } from "solid-js";
import { MASK, type ConflictField } from "../lib/settings";
import { Alert } from "./alert";
import { Button } from "./button";
import "./settings.css";

const shown = (value: string) => (value === "" ? "nothing" : value === MASK ? "a secret" : value);

/** Fields that two people changed at once; each is decided by itself. */
export function SettingsConflicts(props: { conflicts: readonly ConflictField[]; decide: (path: string, mine: boolean) => void }) {
  return (
    <Alert kind="warning" live title="Somebody else changed the same settings meanwhile.">
      <p>Their other changes are in the form. Decide about these:</p>
      <ul class="conflicts">
        <For each={props.conflicts}>
          {(field) => (
            <li>
              <b>{field.label}</b>
              <span>
                was <code>{shown(field.was)}</code>, is <code>{shown(field.theirs)}</code> now; you typed <code>{shown(field.mine)}</code>
              </span>
              <span class="row">
                <Button small label={`Keep mine: ${field.label}`} onClick={() => props.decide(field.path, true)}>
                  Keep mine
                </Button>
                <Button small label={`Take theirs: ${field.label}`} onClick={() => props.decide(field.path, false)}>
                  Take theirs
                </Button>
              </span>
            </li>
          )}
        </For>
      </ul>
    </Alert>
  );
}
