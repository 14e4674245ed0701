import { createMemo, Index, Show } from "solid-js";
import { duration, type StartStep, type StepState, type Timeline } from "../lib/timeline";
import "./timeline.css";

const STATE_WORDS: Record<StepState, string> = { done: "done", active: "under way", waiting: "not yet", failed: "stuck here" };

function Mark(props: { state: StepState }) {
  const path = () =>
    ({
      done: "M4.5 8.3 7 10.8 11.7 5.6",
      failed: "M8 4.2v4.6M8 11.4v.2",
      active: "M8 4.5V8l2.3 1.4",
      waiting: "M8 8h.01",
    })[props.state];
  return (
    <svg class="step-mark" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="8" cy="8" r="7" />
      <path d={path()} />
    </svg>
  );
}

/** The steps of a start with the time that each took: the longer, the wider. */
export function TimelineSteps(props: { timeline: Timeline }) {
  const longest = createMemo(() => Math.max(1, ...props.timeline.steps.map((step) => step.took ?? 0)));
  return (
    <ol class="steps" aria-label="Steps of the start">
      <Index each={props.timeline.steps}>{(step) => <Step step={step()} longest={longest()} />}</Index>
    </ol>
  );
}

function Step(props: { step: StartStep; longest: number }) {
  const shown = () => (props.step.state === "done" || props.step.state === "active" ? props.step.took : undefined);
  return (
    <li class={`step step-${props.step.state}`} aria-current={props.step.state === "active" ? "step" : undefined}>
      <Mark state={props.step.state} />
      <span class="step-label">
        {props.step.label}
        <span class="hidden">: {STATE_WORDS[props.step.state]}</span>
      </span>
      <span class="step-bar" aria-hidden="true">
        <Show when={shown() !== undefined}>
          <span style={{ width: `${Math.max(1, (100 * (shown() ?? 0)) / props.longest)}%` }} />
        </Show>
      </span>
      <span class="step-took">
        <Show when={shown() !== undefined} fallback={props.step.state === "failed" ? `stuck${props.step.took === undefined ? "" : ` for ${duration(props.step.took)}`}` : ""}>
          {duration(shown() ?? 0)}
          {props.step.state === "active" ? " …" : ""}
        </Show>
      </span>
    </li>
  );
}
