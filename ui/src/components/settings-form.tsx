import { createSignal, For, Index, onMount, Show } from "solid-js";
import { MASK, SETTING_LABEL, type EnvRow, type Problems, type SettingName, type Settings } from "../lib/settings";
import { useSession } from "../stores/session";
import { Button } from "./button";
import { Exposure } from "./exposure";
import { Field } from "./field";
import "./settings.css";

interface Props {
  settings: Settings;
  problems: Problems;
  /** The field that the reader came for. */
  focus: SettingName | undefined;
  changed: (part: Partial<Settings>) => void;
}

const HINT: Partial<Record<SettingName, string>> = {
  image: "For example docker.io/library/nginx:1.29",
  cpu: "Like 500m or 2; it may use more where there is more.",
  memory: "Like 2Gi; it ends when it uses more.",
  storage: "Size of the volume that keeps its files, like 10Gi. It grows, and never shrinks.",
  ports: "PORT or PORT:NAME, by comma. The first has its page.",
  command: "Instead of the image's own, split as a shell does.",
  args: "One a line.",
  labels: "KEY=value, one a line. They decide who may do what.",
};

type TextName = "image" | "cpu" | "memory" | "storage" | "ports" | "command";

/** Every setting that can be changed. */
export function SettingsForm(props: Props) {
  const { config } = useSession();
  let form!: HTMLDivElement;
  onMount(() => {
    if (props.focus) form.querySelector<HTMLElement>(`[name="${props.focus}"]`)?.focus();
  });
  const text = (name: TextName) => (
    <Field label={SETTING_LABEL[name]} hint={HINT[name]} problem={props.problems[name]}>
      {(aria) => (
        <input
          {...aria}
          name={name}
          value={props.settings[name]}
          autocomplete="off"
          spellcheck={false}
          onInput={(event) => props.changed({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
  const lines = (name: "args" | "labels" | "notes", rows: number) => (
    <Field label={SETTING_LABEL[name]} hint={HINT[name]} problem={props.problems[name]}>
      {(aria) => (
        <textarea
          {...aria}
          name={name}
          rows={rows}
          value={props.settings[name]}
          spellcheck={name === "notes"}
          onInput={(event) => props.changed({ [name]: event.currentTarget.value })}
        />
      )}
    </Field>
  );
  return (
    <div ref={form} class="settings-fields">
      {text("image")}
      <div class="settings-columns">
        {text("cpu")}
        {text("memory")}
        {text("storage")}
      </div>
      <Environment rows={props.settings.env} problem={props.problems.env} changed={(env) => props.changed({ env })} />
      {text("ports")}
      {text("command")}
      <div class="settings-columns">
        {lines("args", 3)}
        {lines("labels", 3)}
      </div>
      <Show when={config.value()?.features["directExposure"] || props.settings.exposure}>
        <Exposure
          exposure={props.settings.exposure}
          domain={props.settings.domain}
          problem={props.problems.domain ?? props.problems.exposure}
          onChange={props.changed}
        />
      </Show>
      {lines("notes", 2)}
    </div>
  );
}

function Environment(props: { rows: readonly EnvRow[]; problem: string | undefined; changed: (rows: readonly EnvRow[]) => void }) {
  let list!: HTMLDivElement;
  const [said, setSaid] = createSignal("");
  const put = (at: number, part: Partial<EnvRow>) => props.changed(props.rows.map((row, i) => (i === at ? { ...row, ...part } : row)));
  const add = () => {
    props.changed([...props.rows, { name: "", value: "", secret: false }]);
    [...list.querySelectorAll<HTMLInputElement>('[name="env"]')].at(-1)?.focus();
  };
  const remove = (at: number) => {
    setSaid(`${props.rows[at]?.name || "The row"} is taken out.`);
    props.changed(props.rows.filter((_, i) => i !== at));
    list.querySelector<HTMLElement>(".env-add")?.focus();
  };
  return (
    <fieldset class="env">
      <legend class="field-label">{SETTING_LABEL.env}</legend>
      <div ref={list} class="env-rows">
        <Index each={props.rows}>
          {(row, at) => (
            <div class="env-row">
              <input name="env" aria-label="Name of the variable" placeholder="NAME" value={row().name} autocomplete="off" spellcheck={false} onInput={(event) => put(at, { name: event.currentTarget.value })} />
              <input
                aria-label={`Value of ${row().name || "the variable"}`}
                placeholder={row().value === MASK ? "" : "value"}
                type={row().secret ? "password" : "text"}
                value={row().value}
                autocomplete="off"
                spellcheck={false}
                onFocus={(event) => row().value === MASK && event.currentTarget.select()}
                onInput={(event) => put(at, { value: event.currentTarget.value })}
              />
              <label class="env-secret" data-tip="Kept in a Secret of the cluster, and never shown again">
                <input type="checkbox" checked={row().secret} disabled={row().value === MASK} onChange={(event) => put(at, { secret: event.currentTarget.checked })} />
                secret
              </label>
              <Button variant="quiet" square small icon="remove" label={`Take out ${row().name || "this row"}`} onClick={() => remove(at)} />
            </div>
          )}
        </Index>
        <Button small icon="add" class="env-add" onClick={add}>
          Add a variable
        </Button>
      </div>
      <Show when={props.problem}>
        <p class="field-note env-problem">{props.problem}</p>
      </Show>
      <For each={[said()]}>{(words) => <span class="hidden" role="status">{words}</span>}</For>
    </fieldset>
  );
}
