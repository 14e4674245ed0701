import { For, Show } from "solid-js";
import { api } from "../api/client";
import { Alert } from "../components/alert";
import { Button } from "../components/button";
import { Icon } from "../components/icons";
import { createFact } from "../stores/fact";
import { useTitle } from "../stores/title";
import "./me.css";

/** Whether the install is well. */
export function HealthPage() {
  useTitle(() => "Health and usage");
  const readiness = createFact(() => api.readiness());
  return (
    <>
      <div class="page-head">
        <h1>Health and usage</h1>
        <Button icon="refresh" onClick={() => readiness.retry()}>
          Ask again
        </Button>
      </div>
      <Show when={readiness.error()}>{(error) => <Alert live>{error().message}</Alert>}</Show>
      <Show when={readiness.value()}>
        {(known) => (
          <section class="panel">
            <ul class="rights">
              <For each={Object.entries(known().checks)}>
                {([name, check]) => (
                  <li classList={{ refused: !check.ok }}>
                    <Icon name={check.ok ? "check" : "alert"} />
                    {name}: {check.ok ? "well" : (check.message ?? "not well")}
                  </li>
                )}
              </For>
            </ul>
          </section>
        )}
      </Show>
    </>
  );
}
