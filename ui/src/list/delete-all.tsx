import { createResource, createSignal, For, Show } from "solid-js";
import { api, ApiError } from "../api/client";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Field } from "../components/field";
import { useNotices } from "../stores/notices";
import { useSession } from "../stores/session";

/** Deletes every workspace that the caller may delete this way, after they are listed and the install's name is typed. */
export function DeleteAll(props: { open: boolean; onClose: () => void }) {
  const { config } = useSession();
  const notices = useNotices();
  const [typed, setTyped] = createSignal("");
  const [sending, setSending] = createSignal(false);
  const [problem, setProblem] = createSignal("");
  const [dryRun] = createResource(
    () => props.open,
    async () => {
      setTyped("");
      setProblem("");
      try {
        return (await api.deleteAll(true)).deleted;
      } catch (cause) {
        setProblem(cause instanceof ApiError ? cause.message : String(cause));
        return [];
      }
    },
  );
  const name = () => config.value()?.name ?? "guildnet";
  const names = () => (dryRun.loading ? undefined : dryRun.latest) ?? [];
  const agreed = () => typed().trim() === name() && names().length > 0;

  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    if (!agreed() || sending()) return;
    setSending(true);
    setProblem("");
    try {
      const { deleted } = await api.deleteAll(false);
      notices.done(`${deleted.length} workspaces are being deleted.`);
      props.onClose();
    } catch (cause) {
      const details = cause instanceof ApiError ? cause.details.map(({ field, reason }) => `${field}: ${reason}`) : [];
      setProblem([cause instanceof Error ? cause.message : String(cause), ...details].join(" "));
    } finally {
      setSending(false);
    }
  };

  return (
    <Dialog open={props.open} onClose={props.onClose} title="Delete all workspaces?" width="narrow">
      <form onSubmit={(event) => void submit(event)}>
        <Show when={!dryRun.loading} fallback={<p class="muted">Asking which would be deleted …</p>}>
          <Show when={names().length > 0} fallback={<p>There is no workspace that you may delete this way.</p>}>
            <p>
              These {names().length} are deleted with their files, everybody's among them. Volumes that are retained stay. This
              cannot be taken back.
            </p>
            <ul class="names" tabindex="0" aria-label="Workspaces that are deleted">
              <For each={names()}>{(id) => <li>{id}</li>}</For>
            </ul>
            <Field label={`Type ${name()} to go on`}>
              {(aria) => (
                <input {...aria} value={typed()} autocomplete="off" spellcheck={false} onInput={(event) => setTyped(event.currentTarget.value)} />
              )}
            </Field>
          </Show>
        </Show>
        <Show when={problem()}>
          <Alert live>{problem()}</Alert>
        </Show>
        <div class="buttons">
          <Button onClick={() => props.onClose()}>Cancel</Button>
          <Show when={names().length > 0}>
            <Button type="submit" variant="danger" busy={sending()} refused={agreed() ? undefined : `Type ${name()} first.`}>
              Delete {names().length}
            </Button>
          </Show>
        </div>
      </form>
    </Dialog>
  );
}
