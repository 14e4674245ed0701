import { createMemo, For, Show } from "solid-js";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Icon } from "../components/icons";
import { atStake, useActions, type Question, type Verb } from "../stores/actions";
import "./questions.css";

const TITLE: Record<Verb, string> = { stop: "Stop", start: "Start", restart: "Restart", delete: "Delete" };

function title({ verb, servers }: Question): string {
  return `${TITLE[verb]} ${servers.length === 1 ? servers[0]?.name : `${servers.length} workspaces`}?`;
}

function Fate(props: { asked: Question }) {
  const known = () => props.asked.servers.filter((server) => atStake(server) === "lost");
  const names = () => props.asked.servers.filter(atStake).map(({ name }) => name);
  const many = () => props.asked.servers.length > 1;
  return (
    <Show
      when={props.asked.verb !== "delete"}
      fallback={
        <>
          <p>
            {many() ? "They are" : "It is"} deleted with everything in {many() ? "them" : "it"}: the files on{" "}
            {many() ? "their volumes" : "its volume"}, too, unless the volume is retained.
          </p>
          <p class="muted">To free only the CPU and memory, stop {many() ? "them" : "it"} instead.</p>
        </>
      }
    >
      <Alert
        kind="warning"
        title={known().length > 0 ? "Files are not kept." : "It is not known whether files are kept."}
      >
        {names().join(", ")} {names().length > 1 ? "have" : "has"} {known().length > 0 ? "no volume" : "told nothing of a volume yet"}: every
        file made there since the start {known().length > 0 ? "will" : "may"} be gone.
      </Alert>
    </Show>
  );
}

/** Asks before work is lost. */
export function Questions() {
  const actions = useActions();
  return (
    <Dialog
      open={actions.question() !== undefined}
      onClose={() => actions.answer(false)}
      title={actions.question() ? title(actions.question()!) : ""}
      width="narrow"
    >
      <Show when={actions.question()}>
        {(asked) => (
          <>
            <Fate asked={asked()} />
            <Show when={asked().servers.length > 1}>
              <ul class="names">
                <For each={asked().servers}>{(server) => <li>{server.name}</li>}</For>
              </ul>
            </Show>
            <div class="buttons">
              <Button autofocus onClick={() => actions.answer(false)}>
                Cancel
              </Button>
              <Button variant="danger" onClick={() => actions.answer(true)}>
                {asked().verb === "delete" ? "Delete" : `${TITLE[asked().verb]} and lose files`}
              </Button>
            </div>
          </>
        )}
      </Show>
    </Dialog>
  );
}

const DONE: Record<Verb, string> = { stop: "stopped", start: "started", restart: "restarted", delete: "deleted" };

/** What became of each of several workspaces. */
export function Results() {
  const actions = useActions();
  const failed = createMemo(() => actions.bulk()?.results.filter(({ state }) => state === "failed") ?? []);
  const left = createMemo(() => actions.bulk()?.results.filter(({ state }) => state === "waiting").length ?? 0);
  const again = () => {
    const verb = actions.bulk()?.verb;
    const servers = failed().map(({ server }) => server);
    actions.closeBulk();
    if (verb) actions.act(verb, ...servers);
  };
  return (
    <Dialog open={actions.bulk() !== undefined} onClose={() => actions.closeBulk()} title="Results" width="narrow">
      <Show when={actions.bulk()}>
        {(bulk) => (
          <>
            <p role="status">
              {left() > 0
                ? `${left()} of ${bulk().results.length} are left.`
                : `${bulk().results.length - failed().length} of ${bulk().results.length} are being ${DONE[bulk().verb]}.`}
            </p>
            <ul class="results">
              <For each={bulk().results}>
                {(result) => (
                  <li class={`result-${result.state}`}>
                    <Icon name={result.state === "done" ? "check" : result.state === "failed" ? "alert" : "clock"} />
                    <span>
                      <b>{result.server.name}</b>{" "}
                      {result.state === "done" ? `is being ${DONE[bulk().verb]}` : result.state === "failed" ? result.message : "waits"}
                    </span>
                  </li>
                )}
              </For>
            </ul>
            <div class="buttons">
              <Show when={left() === 0 && failed().length > 0}>
                <Button onClick={again}>Try {failed().length} again</Button>
              </Show>
              <Button variant="primary" autofocus onClick={() => actions.closeBulk()}>
                Close
              </Button>
            </div>
          </>
        )}
      </Show>
    </Dialog>
  );
}
