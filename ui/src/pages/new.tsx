import { useLocation, useNavigate } from "@solidjs/router";
import { createEffect, createMemo, createResource, createSignal, onMount, Show } from "solid-js";
import { createStore, reconcile, unwrap } from "solid-js/store";
import { api, ApiError } from "../api/client";
import type { ImageDefaults, Preset } from "../api/types";
import { Alert } from "../components/alert";
import { Button, ButtonLink } from "../components/button";
import { Exposure } from "../components/exposure";
import { Field } from "../components/field";
import { draftOf, dropDraft, keepDraft } from "../launch/draft";
import { ADVANCED, chosen, EMPTY, fieldProblems, fromAddress, fromServer, problemsOf, toJob, type FieldName, type Fields } from "../launch/form";
import { PresetCards } from "../launch/preset-cards";
import { Preview } from "../launch/preview";
import { Amount, EnvRows, LabelRows, PortRows } from "../launch/rows";
import { readable } from "../lib/summary";
import { useSession } from "../stores/session";
import { useTitle } from "../stores/title";
import "./new.css";

const CPU = ["100m", "250m", "500m", "1", "2", "4", "8", "16", "32"] as const;
const MEMORY = ["256Mi", "512Mi", "1Gi", "2Gi", "4Gi", "8Gi", "16Gi", "32Gi", "64Gi"] as const;

export function NewPage() {
  const { presets } = useSession();
  const location = useLocation();
  useTitle(() => "New workspace");
  const like = () => new URLSearchParams(location.search).get("like");
  // What a launch like another begins with.
  const [model] = createResource(like, (id) => api.server(id));
  const ready = () => presets.state() !== "unknown" && !(like() && model.loading);
  const start = (): Fields => {
    const offered = presets.value() ?? [];
    const draft = draftOf(location.search);
    if (draft) return draft;
    if (like() && !model.error && model.latest) return fromServer(model.latest, offered);
    return fromAddress(new URLSearchParams(location.search), offered);
  };
  return (
    <>
      <div class="page-head">
        <h1 tabindex="-1">New workspace</h1>
      </div>
      <Show when={model.error}>
        <Alert kind="warning" live title={`${like()} cannot be read, so this is an empty launch.`}>
          {model.error instanceof Error ? model.error.message : String(model.error)}
        </Alert>
      </Show>
      <Show when={presets.error() && !presets.value()}>
        <Alert
          kind="warning"
          live
          title="The presets of this install cannot be loaded."
          action={
            <Button icon="refresh" onClick={() => presets.retry()}>
              Try again
            </Button>
          }
        >
          {presets.error()?.message} Any image can be launched all the same.
        </Alert>
      </Show>
      <Show when={ready()} fallback={<p class="panel muted">Loading…</p>}>
        <Show when={location.search || " "} keyed>
          <Form start={start()} presets={presets.value() ?? []} />
        </Show>
      </Show>
    </>
  );
}

function Form(props: { start: Fields; presets: readonly Preset[] }) {
  const { config, whyNot } = useSession();
  const navigate = useNavigate();
  const location = useLocation();
  const [fields, setFields] = createStore<Fields>({ ...EMPTY, ...props.start });
  const [refused, setRefused] = createStore<Partial<Record<FieldName, string | undefined>>>({});
  const [refusal, setRefusal] = createSignal("");
  const [sending, setSending] = createSignal(false);
  const [tried, setTried] = createSignal(false);
  const [left, setLeft] = createStore<Partial<Record<FieldName, boolean>>>({});
  const unfolded = ADVANCED.some((name) => JSON.stringify(fields[name]) !== JSON.stringify(EMPTY[name]));
  let form!: HTMLFormElement;
  // A launch that is sent again, since nobody knows what became of it, is the same launch.
  let key = crypto.randomUUID();

  const set = <K extends FieldName>(name: K, value: Fields[K]) => {
    key = crypto.randomUUID();
    // Rows are replaced as a whole; merged into the old ones they would keep what was removed.
    setFields(name as FieldName, value as never);
    setRefused(name, undefined);
  };
  const typed = (name: "image" | "name" | "size" | "command" | "args" | "notes") => ({
    value: fields[name],
    onInput: (event: { currentTarget: { value: string } }) => set(name, event.currentTarget.value),
    onBlur: () => setLeft(name, true),
  });
  const preset = () => chosen(fields, props.presets);
  const job = createMemo(() => toJob(fields, props.presets));
  const problems = createMemo(() => problemsOf(fields, props.presets));
  /** Wrong things are told when a field was left, or a launch was tried: not while one still types. */
  const problem = (name: FieldName) => refused[name] ?? (tried() || left[name] ? problems()[name] : undefined);
  const [known] = createResource(
    () => (preset() ? undefined : left.image && fields.image.trim()) || undefined,
    (image) => api.imageDefaults(image).catch((): ImageDefaults => ({})),
  );
  const usual = () => preset() ?? known.latest;

  createEffect(() => keepDraft(location.search, JSON.parse(JSON.stringify(fields)) as Fields));
  onMount(() => {
    if (fields.image) setLeft("image", true);
  });

  const toFirstProblem = () =>
    queueMicrotask(() => {
      const place = form.querySelector<HTMLElement>(".wrong");
      // A slider stands before the text that it is for.
      const wrong = place?.querySelector<HTMLElement>('[aria-invalid="true"]') ?? place?.querySelector<HTMLElement>("input, textarea, button");
      wrong?.closest("details")?.setAttribute("open", "");
      wrong?.focus();
    });

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (sending()) return;
    setTried(true);
    setRefusal("");
    setRefused(reconcile({}));
    if (Object.keys(problems()).length > 0) return toFirstProblem();
    setSending(true);
    try {
      const { id } = await api.launch(unwrap(job()), key);
      dropDraft();
      navigate(`/w/${id}/timeline`);
    } catch (cause) {
      if (!(cause instanceof ApiError)) throw cause;
      const told = fieldProblems(cause.details);
      setRefused(reconcile(told.problems));
      if (cause.details.length === 0 || told.rest) setRefusal([cause.message, told.rest].filter(Boolean).join(" "));
      toFirstProblem();
    } finally {
      setSending(false);
    }
  };

  return (
    <form class="new" ref={form} onSubmit={(event) => void submit(event)} novalidate>
      <div class="new-fields panel">
        <PresetCards presets={props.presets} chosen={fields.preset} onChoose={(ref) => set("preset", ref)} />
        <Show when={!preset()}>
          <Field label="Image" hint="For example docker.io/library/nginx:1.29" problem={problem("image")}>
            {(aria) => <input {...aria} {...typed("image")} spellcheck={false} autocapitalize="off" autocomplete="off" />}
          </Field>
        </Show>
        <Field label="Name" hint={preset() || fields.image ? "Optional; five characters are added, so that it is nobody else's." : "Optional"} problem={problem("name")}>
          {(aria) => <input {...aria} {...typed("name")} spellcheck={false} autocomplete="off" />}
        </Field>
        <div class="new-columns">
          <Amount
            label="CPU"
            steps={CPU}
            words={(amount) => `${readable(amount)} CPU`}
            value={fields.cpu}
            usual={usual()?.resources?.cpu}
            problem={problem("cpu")}
            onChange={(value) => {
              set("cpu", value);
              setLeft("cpu", true);
            }}
          />
          <Amount
            label="Memory"
            steps={MEMORY}
            words={readable}
            value={fields.memory}
            usual={usual()?.resources?.memory}
            problem={problem("memory")}
            onChange={(value) => {
              set("memory", value);
              setLeft("memory", true);
            }}
          />
        </div>
        <div class="new-files">
          <label class="row">
            <input type="checkbox" checked={fields.keep} onChange={(event) => set("keep", event.currentTarget.checked)} />
            <span class="field-label">Keep my files when it stops</span>
          </label>
          <Show
            when={fields.keep}
            fallback={<p class="field-note">Everything made in it is gone when it stops, restarts or is moved.</p>}
          >
            <Field label="Size of the files" hint="Such as 10Gi; it can grow later" problem={problem("size")}>
              {(aria) => <input {...aria} {...typed("size")} placeholder={usual()?.storage?.size ?? "the install's usual size"} spellcheck={false} />}
            </Field>
          </Show>
        </div>
        <details class="new-advanced" open={unfolded}>
          <summary class="field-label">Environment, ports, command, labels, notes</summary>
          <div class="new-folded">
            <EnvRows
              rows={fields.env}
              problem={problem("env")}
              onChange={(rows) => {
                set("env", rows);
                setLeft("env", true);
              }}
            />
            <PortRows
              rows={fields.ports}
              usual={usual()?.ports}
              problem={problem("ports")}
              onChange={(rows) => set("ports", rows)}
            />
            <Field label="Command" hint="Instead of the image's own, split as a shell does" problem={problem("command")}>
              {(aria) => <input {...aria} {...typed("command")} placeholder={usual()?.command?.join(" ") ?? ""} spellcheck={false} autocomplete="off" />}
            </Field>
            <Field label="Arguments" hint="One a line" problem={problem("args")}>
              {(aria) => <textarea {...aria} {...typed("args")} rows="3" placeholder={usual()?.args?.join("\n") ?? ""} spellcheck={false} />}
            </Field>
            <LabelRows rows={fields.labels} problem={problem("labels")} onChange={(rows) => set("labels", rows)} />
            <Field label="Notes" hint="For people; found by the search" problem={problem("notes")}>
              {(aria) => <textarea {...aria} {...typed("notes")} rows="2" />}
            </Field>
            <Show when={config.value()?.features["directExposure"] || fields.exposure}>
              <Exposure
                exposure={fields.exposure}
                domain={fields.domain}
                problem={problem("domain") ?? problem("exposure")}
                onChange={(part) => {
                  if (part.exposure !== undefined) set("exposure", part.exposure);
                  if (part.domain !== undefined) set("domain", part.domain);
                  setLeft("domain", true);
                }}
              />
            </Show>
          </div>
        </details>
      </div>
      <div class="new-side">
        <Preview job={job()} presets={props.presets} />
        <div class="new-send">
          <Show when={refusal()}>
            <Alert live title="It was not launched.">
              {refusal()}
            </Alert>
          </Show>
          <div class="row">
            <Button type="submit" variant="primary" icon="start" busy={sending()} refused={whyNot("launch")}>
              {sending() ? "Launching…" : "Launch"}
            </Button>
            <ButtonLink href="/" onClick={() => dropDraft()}>
              Cancel
            </ButtonLink>
          </div>
        </div>
      </div>
    </form>
  );
}
