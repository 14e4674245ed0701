import { createSignal, For, Show } from "solid-js";
import { createStore, reconcile } from "solid-js/store";
import { api, ApiError } from "../api/client";
import type { ImageDefaults, Preset } from "../api/types";
import { EMPTY, fieldProblems, jobSpec, type LaunchFields, type Problems } from "../lib/launch";
import { Field } from "./field";

/** Fields that are folded away until one is wrong. */
const MORE = ["cpu", "memory", "storage", "ports", "env"] as const;

export function LaunchForm(props: { presets: readonly Preset[]; onLaunched: (id: string) => void; onCancel: () => void }) {
  const [fields, setFields] = createStore<LaunchFields>({ ...EMPTY, choice: props.presets.length > 0 ? "0" : "custom" });
  const [problems, setProblems] = createStore<Problems>({});
  const [refusal, setRefusal] = createSignal("");
  const [sending, setSending] = createSignal(false);

  const typed = (name: keyof LaunchFields) => (event: { currentTarget: { value: string } }) =>
    setFields(name, event.currentTarget.value);

  const [defaults, setDefaults] = createSignal<ImageDefaults>({});
  const look = async () => {
    const image = fields.image.trim();
    const found = image ? await api.imageDefaults(image).catch(() => ({})) : {};
    // Another may have been typed meanwhile.
    if (image === fields.image.trim()) setDefaults(found);
  };
  const usual = () => {
    const known = fields.choice === "custom" ? defaults() : props.presets[Number(fields.choice)];
    return known?.ports?.map(({ port }) => port).join(", ");
  };

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const { job, problems: found } = jobSpec(fields, props.presets);
    setProblems(reconcile(found));
    setRefusal("");
    if (!job) return;
    setSending(true);
    try {
      const { id } = await api.launch(job, crypto.randomUUID());
      props.onLaunched(id);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      const told = fieldProblems(cause.details);
      setProblems(reconcile(told.problems));
      const elsewhere = cause.details.length === 0 || told.rest;
      setRefusal(elsewhere ? [cause.message, told.rest].filter(Boolean).join(" ") : "");
    } finally {
      setSending(false);
    }
  };

  return (
    <form class="launch" onSubmit={(event) => void submit(event)}>
      <fieldset class="presets">
        <legend>What to run</legend>
        <For each={props.presets}>
          {(preset, index) => (
            <label class="preset">
              <input
                type="radio"
                name="choice"
                value={String(index())}
                checked={fields.choice === String(index())}
                onChange={typed("choice")}
              />
              <span class="preset-text">
                <b>{preset.label}</b>
                <span>{preset.description ?? preset.image}</span>
              </span>
            </label>
          )}
        </For>
        <label class="preset">
          <input type="radio" name="choice" value="custom" checked={fields.choice === "custom"} onChange={typed("choice")} />
          <span class="preset-text">
            <b>Another image</b>
            <span>Any container with a web port</span>
          </span>
        </label>
      </fieldset>

      <Show when={fields.choice === "custom"}>
        <Field label="Image" hint="With registry and tag" problem={problems.image}>
          {(aria) => (
            <input
              {...aria}
              value={fields.image}
              onInput={typed("image")}
              onChange={() => void look()}
              placeholder="docker.io/library/nginx:1.29"
              spellcheck={false}
            />
          )}
        </Field>
      </Show>
      <Field label="Name" hint="Optional; five random characters are added to it" problem={problems.name}>
        {(aria) => <input {...aria} value={fields.name} onInput={typed("name")} maxlength="57" spellcheck={false} />}
      </Field>

      <details open={MORE.some((name) => problems[name])}>
        <summary>More</summary>
        <div class="columns">
          <Field label="CPU" hint="Such as 500m or 2" problem={problems.cpu}>
            {(aria) => <input {...aria} value={fields.cpu} onInput={typed("cpu")} />}
          </Field>
          <Field label="Memory" hint="Such as 1Gi" problem={problems.memory}>
            {(aria) => <input {...aria} value={fields.memory} onInput={typed("memory")} />}
          </Field>
          <Field label="Storage" hint="Such as 10Gi; what the install gives where left out" problem={problems.storage}>
            {(aria) => <input {...aria} value={fields.storage} onInput={typed("storage")} />}
          </Field>
          <Field label="Ports" hint={`Empty: ${usual() ?? "8080 and 8443"}`} problem={problems.ports}>
            {(aria) => <input {...aria} value={fields.ports} onInput={typed("ports")} placeholder={usual() ?? "8080, 8443"} />}
          </Field>
        </div>
        <Field label="Environment" hint="One NAME=value a line" problem={problems.env}>
          {(aria) => <textarea {...aria} rows="3" value={fields.env} onInput={typed("env")} spellcheck={false} />}
        </Field>
      </details>

      <Show when={refusal()}>
        <p class="problem" role="alert">
          {refusal()}
        </p>
      </Show>
      <div class="buttons">
        <button type="button" onClick={() => props.onCancel()}>
          Cancel
        </button>
        <button type="submit" class="primary" disabled={sending()}>
          {sending() ? "Launching…" : "Launch"}
        </button>
      </div>
    </form>
  );
}
