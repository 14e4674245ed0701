import { For, Show } from "solid-js";
import type { Preset } from "../api/types";
import { Icon, type IconName } from "../components/icons";
import { presetIcon } from "../lib/presets";
import { readable, size } from "../lib/summary";
import { presetRef } from "./form";
import "./preset-cards.css";

/** What to run: the presets of the install, and any image. */
export function PresetCards(props: { presets: readonly Preset[]; chosen: string; onChoose: (ref: string) => void }) {
  return (
    <fieldset class="presets">
      <legend class="field-label">What to run</legend>
      <For each={props.presets}>
        {(preset) => (
          <Card
            value={presetRef(preset)}
            checked={props.chosen === presetRef(preset)}
            icon={presetIcon(preset.icon)}
            label={preset.label}
            text={preset.description ?? preset.image}
            foot={[size({ resources: preset.resources ?? {} }), preset.storage && `${readable(preset.storage.size)} of files`].filter(Boolean).join(" · ")}
            onChoose={props.onChoose}
          />
        )}
      </For>
      <Card value="" checked={!props.chosen} icon="box" label="Any image" text="Whatever container answers on a port" foot="" onChoose={props.onChoose} />
    </fieldset>
  );
}

function Card(props: {
  value: string;
  checked: boolean;
  icon: IconName;
  label: string;
  text: string;
  foot: string;
  onChoose: (value: string) => void;
}) {
  return (
    <label class="preset">
      <input class="hidden" type="radio" name="preset" value={props.value} checked={props.checked} onChange={() => props.onChoose(props.value)} />
      <Icon name={props.icon} />
      <span class="preset-words">
        <b>{props.label}</b>
        <span class="muted small">{props.text}</span>
        <Show when={props.foot}>
          <span class="muted small">{props.foot}</span>
        </Show>
      </span>
      <span class="preset-mark">
        <Icon name="check" />
      </span>
    </label>
  );
}
