import { A } from "@solidjs/router";
import { Match, Show, Switch } from "solid-js";
import type { Server } from "../api/types";
import type { Problem } from "../lib/timeline";
import type { Step } from "../lib/reasons";
import { useActions } from "../stores/actions";
import { Alert } from "./alert";
import { Button } from "./button";
import { CommandLine } from "./command-line";
import "./timeline.css";

/** Where a step leads within the workspace's page. */
export function stepAddress(name: string, step: Step): string | undefined {
  if (step.to === "settings") {
    const query = new URLSearchParams({ field: step.field, ...(step.value ? { value: step.value } : {}) });
    return `/w/${name}/settings?${query}`;
  }
  if (step.to === "logs") return `/w/${name}/logs${step.previous ? "?run=previous" : ""}`;
  if (step.to === "list") return "/";
  return undefined;
}

/** One cause, one next step, one button; then the cluster's own words. */
export function TimelineProblem(props: { server: Server; problem: Problem }) {
  const actions = useActions();
  const step = () => props.problem.step;
  const href = () => {
    const found = step();
    return found && stepAddress(props.server.name, found);
  };
  return (
    <Alert
      kind={props.problem.blocking ? "problem" : "warning"}
      title={props.problem.title}
      live
      action={
        <Switch>
          <Match when={href()}>
            {(where) => (
              <A class="button" classList={{ primary: props.problem.blocking }} href={where()}>
                {step()?.label}
              </A>
            )}
          </Match>
          <Match when={step()?.to === "start" || step()?.to === "restart"}>
            <Button
              variant="primary"
              refused={actions.whyNot(step()?.to as "start" | "restart", props.server)}
              onClick={() => actions.act(step()?.to as "start" | "restart", props.server)}
            >
              {step()?.label}
            </Button>
          </Match>
        </Switch>
      }
    >
      <p>{props.problem.next}</p>
      <Show when={step()?.to === "command"}>
        <CommandLine line={(step() as { line: string }).line} />
      </Show>
      <Show when={props.problem.words}>
        <blockquote class="problem-words">
          <b>{props.problem.reason}</b> {props.problem.words}
        </blockquote>
      </Show>
    </Alert>
  );
}
