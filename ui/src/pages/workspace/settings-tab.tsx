import { useSearchParams } from "@solidjs/router";
import { createSignal, onCleanup, onMount, Show } from "solid-js";
import { api, ApiError } from "../../api/client";
import type { Server } from "../../api/types";
import { Alert } from "../../components/alert";
import { Button } from "../../components/button";
import { CommandLine } from "../../components/command-line";
import { SettingsConflicts } from "../../components/settings-conflicts";
import { SettingsForm } from "../../components/settings-form";
import { commandLine } from "../../lib/command-line";
import { effectOf, fieldProblems, merge, patchOf, settingsOf, takeTheirs, type ConflictField, type Problems, type SettingName, type Settings } from "../../lib/settings";
import { useNotices } from "../../stores/notices";
import { useSession } from "../../stores/session";

/** What was read, by the version of which a change is sent. */
interface Read {
  server: Server;
  settings: Settings;
  etag: string | undefined;
}

const RETRY_MS = 5000;

/** What stands in the place of settings that are not known. */
function Unread(props: { failure: string; again: () => void }) {
  return (
    <Show when={props.failure} fallback={<p class="panel muted">Loading …</p>}>
      <Alert live title="The settings cannot be read." action={<Button onClick={() => props.again()}>Try again</Button>}>
        {props.failure}
      </Alert>
    </Show>
  );
}

/** The settings, to be changed. What others change meanwhile is neither lost nor hidden. */
export function SettingsTab(props: { name: string; server: Server; saved: () => void }) {
  const { whyNot } = useSession();
  const notices = useNotices();
  const [params, setParams] = useSearchParams<{ field?: string; value?: string }>();
  const [read, setRead] = createSignal<Read>();
  const [typed, setTyped] = createSignal<Settings>();
  const [problems, setProblems] = createSignal<Problems>({});
  const [failure, setFailure] = createSignal("");
  const [conflicts, setConflicts] = createSignal<readonly ConflictField[]>([]);
  const [saving, setSaving] = createSignal(false);

  const load = async (): Promise<Read> => {
    const { value, etag } = await api.taggedServer(props.name);
    return { server: value, settings: settingsOf(value), etag };
  };
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = async () => {
    clearTimeout(timer);
    try {
      const found = await load();
      setRead(found);
      setTyped(proposed(found.settings));
      setFailure("");
    } catch (cause) {
      setFailure((cause as ApiError).message);
      if (!typed()) timer = setTimeout(() => void begin(), RETRY_MS);
    }
  };
  /** What a button elsewhere suggested, such as twice the memory. */
  const proposed = (settings: Settings): Settings => {
    const { field, value } = params;
    return value && (field === "memory" || field === "cpu" || field === "storage" || field === "image") ? { ...settings, [field]: value } : settings;
  };
  onMount(() => void begin());
  onCleanup(() => clearTimeout(timer));

  const change = () => {
    const [before, after] = [read(), typed()];
    return before && after ? patchOf(before.settings, after) : { patch: {}, problems: {} };
  };
  const effect = () => effectOf({ ...(read()?.server ?? props.server), status: props.server.status }, change().patch);

  const save = async () => {
    const before = read();
    const { patch, problems: wrong } = change();
    setProblems(wrong);
    setFailure("");
    if (!before || Object.keys(wrong).length > 0 || Object.keys(patch).length === 0 || conflicts().length > 0) return;
    setSaving(true);
    try {
      const { value, etag } = await api.update(props.name, patch, before.etag);
      notices.done(effect()?.restarts ? `${props.name} is changed, and restarts.` : `${props.name} is changed.`);
      setParams({ field: undefined, value: undefined }, { replace: true });
      // The answer is a workspace of the list: what only the detail has is read again.
      setRead({ server: value, settings: typed() as Settings, etag });
      props.saved();
      await begin();
    } catch (cause) {
      await refused(cause as ApiError);
    } finally {
      setSaving(false);
    }
  };
  const refused = async (error: ApiError) => {
    if (error.code === "stale") return meet();
    const { problems: wrong, rest } = fieldProblems(error.details);
    setProblems(wrong);
    setFailure(Object.keys(wrong).length > 0 ? rest : error.message);
  };
  /** Somebody else was quicker: what does not touch the same field is put together. */
  const meet = async () => {
    const [before, mine] = [read(), typed()];
    if (!before || !mine) return;
    try {
      const now = await load();
      const { merged, conflicts: both } = merge(before.settings, mine, now.settings);
      setRead(now);
      setTyped(merged);
      setConflicts(both);
      if (both.length === 0) setFailure("Somebody else changed other settings meanwhile. They are in the form now: save again.");
    } catch (cause) {
      setFailure((cause as ApiError).message);
    }
  };
  const decide = (path: string, mine: boolean) => {
    const [now, settings] = [read(), typed()];
    if (!mine && now && settings) setTyped(takeTheirs(settings, now.settings, path));
    setConflicts((all) => all.filter((one) => one.path !== path));
  };

  return (
    <div class="workspace-tab">
      <Show when={whyNot("update", props.server)}>{(why) => <Alert kind="note">{why()}</Alert>}</Show>
      <Show when={typed()} fallback={<Unread failure={failure()} again={() => void begin()} />}>
        {(settings) => (
          <form
            class="panel settings"
            onSubmit={(event) => {
              event.preventDefault();
              void save();
            }}
          >
            <Show when={conflicts().length > 0}>
              <SettingsConflicts conflicts={conflicts()} decide={decide} />
            </Show>
            <SettingsForm
              settings={settings()}
              problems={problems()}
              focus={params.field as SettingName | undefined}
              changed={(part) => setTyped({ ...settings(), ...part })}
            />
            <Show when={failure()}>
              <Alert live>{failure()}</Alert>
            </Show>
            <div class="settings-foot">
              <p role="status" class="settings-effect" classList={{ "settings-restarts": effect()?.restarts ?? false }}>
                {effect()?.text ?? "Nothing is changed yet."}
              </p>
              <Button
                variant="quiet"
                refused={effect() ? undefined : "There is nothing to undo."}
                onClick={() => {
                  setTyped(read()?.settings);
                  setConflicts([]);
                  setProblems({});
                }}
              >
                Undo
              </Button>
              <Button
                type="submit"
                variant={effect()?.loses ? "danger" : "primary"}
                busy={saving()}
                refused={whyNot("update", props.server) ?? (conflicts().length > 0 ? "Decide about the fields above first." : effect() ? undefined : "Nothing is changed yet.")}
              >
                {effect()?.restarts ? (effect()?.loses ? "Save, restart and lose files" : "Save and restart") : "Save"}
              </Button>
            </div>
          </form>
        )}
      </Show>
      <CommandLine what="Terminal" line={commandLine.edit(props.name)} />
    </div>
  );
}
