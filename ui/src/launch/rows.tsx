import { createUniqueId, Index, Show, type JSX } from "solid-js";
import { Button } from "../components/button";
import { isDotenv, looksSecret, parseDotenv } from "../lib/dotenv";
import type { EnvRow, LabelRow, PortRow } from "./form";
import "./rows.css";

/** A group of rows with a heading, what is wrong with them, and a button for one more. */
function Rows(props: {
  legend: string;
  hint: JSX.Element;
  problem: string | undefined;
  add: string;
  onAdd: () => void;
  children: JSX.Element;
  onPaste?: (event: ClipboardEvent) => void;
}) {
  return (
    <fieldset class="rows" classList={{ wrong: Boolean(props.problem) }} onPaste={(event) => props.onPaste?.(event)}>
      <legend class="field-label">{props.legend}</legend>
      {props.children}
      <div class="row">
        <Button small icon="add" onClick={() => props.onAdd()}>
          {props.add}
        </Button>
        <p class="field-note" role={props.problem ? "alert" : undefined}>
          {props.problem ?? props.hint}
        </p>
      </div>
    </fieldset>
  );
}

function replaced<T>(rows: readonly T[], at: number, change: Partial<T>): T[] {
  return rows.map((row, index) => (index === at ? { ...row, ...change } : row));
}

function without<T>(rows: readonly T[], at: number): T[] {
  return rows.filter((_, index) => index !== at);
}

/** Puts the focus into the row that was added. */
function focusLast(event: MouseEvent | undefined, selector: string): void {
  const group = (event?.currentTarget ?? document.activeElement) as HTMLElement | null;
  queueMicrotask(() => [...(group?.closest("fieldset")?.querySelectorAll<HTMLElement>(selector) ?? [])].at(-1)?.focus());
}

export function EnvRows(props: { rows: readonly EnvRow[]; problem: string | undefined; onChange: (rows: EnvRow[]) => void }) {
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData("text") ?? "";
    const field = (event.target as HTMLElement | null)?.closest<HTMLInputElement>("input");
    // A value of several lines is a value.
    if (!isDotenv(text) || (field?.dataset["part"] === "value" && !text.includes("\n"))) return;
    event.preventDefault();
    const pasted = parseDotenv(text).map(({ name, value }): EnvRow => ({ name, value, secret: looksSecret(name) }));
    const names = new Set(pasted.map(({ name }) => name));
    props.onChange([...props.rows.filter(({ name, value }) => (name || value) && !names.has(name)), ...pasted]);
  };
  return (
    <Rows
      legend="Environment"
      hint="Paste a whole .env into a name. What is locked is kept in a Secret and never shown again."
      problem={props.problem}
      add="Variable"
      onAdd={() => {
        props.onChange([...props.rows, { name: "", value: "", secret: false }]);
        focusLast(undefined, "input[data-part=name]");
      }}
      onPaste={paste}
    >
      <Index each={props.rows}>
        {(row, at) => {
          const set = (change: Partial<EnvRow>) => props.onChange(replaced(props.rows, at, change));
          return (
            <div class="rows-line env-line">
              <input
                data-part="name"
                aria-label={`Name of variable ${at + 1}`}
                placeholder="NAME"
                value={row().name}
                spellcheck={false}
                autocapitalize="off"
                autocomplete="off"
                onInput={(event) => set({ name: event.currentTarget.value })}
                onChange={(event) => looksSecret(event.currentTarget.value) && set({ secret: true })}
              />
              <input
                data-part="value"
                aria-label={`Value of ${row().name || `variable ${at + 1}`}`}
                placeholder="value"
                type={row().secret ? "password" : "text"}
                value={row().value}
                spellcheck={false}
                autocomplete="off"
                onInput={(event) => set({ value: event.currentTarget.value })}
              />
              <Button
                square
                variant="quiet"
                icon="lock"
                class={row().secret ? "locked" : ""}
                aria-pressed={row().secret}
                label={`${row().name || `Variable ${at + 1}`} is a secret`}
                onClick={() => set({ secret: !row().secret })}
              />
              <Button square variant="quiet" icon="close" label={`Remove ${row().name || `variable ${at + 1}`}`} onClick={() => props.onChange(without(props.rows, at))} />
            </div>
          );
        }}
      </Index>
    </Rows>
  );
}

export function PortRows(props: {
  rows: readonly PortRow[];
  usual: readonly { port: number; name?: string }[] | undefined;
  problem: string | undefined;
  onChange: (rows: PortRow[]) => void;
}) {
  const usual = () => props.usual?.map(({ port }) => port).join(", ");
  return (
    <Rows
      legend="Ports"
      hint={
        <>
          The first one has its page. Left out: <Show when={usual()} fallback="8080 and 8443">{usual()}</Show>.
        </>
      }
      problem={props.problem}
      add="Port"
      onAdd={() => {
        props.onChange([...props.rows, { port: "", name: "" }]);
        focusLast(undefined, "input[data-part=port]");
      }}
    >
      <Index each={props.rows}>
        {(row, at) => (
          <div class="rows-line port-line">
            <input
              data-part="port"
              aria-label={`Number of port ${at + 1}`}
              placeholder="8080"
              inputmode="numeric"
              value={row().port}
              onInput={(event) => props.onChange(replaced(props.rows, at, { port: event.currentTarget.value }))}
            />
            <input
              aria-label={`Name of port ${row().port || at + 1}`}
              placeholder="name, optional"
              value={row().name}
              spellcheck={false}
              autocapitalize="off"
              onInput={(event) => props.onChange(replaced(props.rows, at, { name: event.currentTarget.value }))}
            />
            <Button square variant="quiet" icon="close" label={`Remove port ${row().port || at + 1}`} onClick={() => props.onChange(without(props.rows, at))} />
          </div>
        )}
      </Index>
    </Rows>
  );
}

export function LabelRows(props: { rows: readonly LabelRow[]; problem: string | undefined; onChange: (rows: LabelRow[]) => void }) {
  return (
    <Rows
      legend="Labels"
      hint="By them rules and kubectl choose workspaces, such as team=data."
      problem={props.problem}
      add="Label"
      onAdd={() => {
        props.onChange([...props.rows, { key: "", value: "" }]);
        focusLast(undefined, "input[data-part=key]");
      }}
    >
      <Index each={props.rows}>
        {(row, at) => (
          <div class="rows-line label-line">
            <input
              data-part="key"
              aria-label={`Key of label ${at + 1}`}
              placeholder="team"
              value={row().key}
              spellcheck={false}
              autocapitalize="off"
              onInput={(event) => props.onChange(replaced(props.rows, at, { key: event.currentTarget.value }))}
            />
            <input
              aria-label={`Value of ${row().key || `label ${at + 1}`}`}
              placeholder="data"
              value={row().value}
              spellcheck={false}
              onInput={(event) => props.onChange(replaced(props.rows, at, { value: event.currentTarget.value }))}
            />
            <Button square variant="quiet" icon="close" label={`Remove ${row().key || `label ${at + 1}`}`} onClick={() => props.onChange(without(props.rows, at))} />
          </div>
        )}
      </Index>
    </Rows>
  );
}

/** An amount, by a slider over the usual ones or as text. */
export function Amount(props: {
  label: string;
  steps: readonly string[];
  words: (amount: string) => string;
  value: string;
  usual: string | undefined;
  problem: string | undefined;
  onChange: (value: string) => void;
}) {
  const shown = () => props.value.trim() || props.usual || "";
  const at = () => props.steps.indexOf(shown());
  const id = createUniqueId();
  return (
    <div class="field amount" classList={{ wrong: Boolean(props.problem) }}>
      <label class="field-label" for={id}>
        {props.label}
      </label>
      <div class="amount-line">
        <input
          type="range"
          aria-label={`${props.label}, by slider`}
          min="0"
          max={props.steps.length - 1}
          value={at() < 0 ? 0 : at()}
          aria-valuetext={shown() ? props.words(shown()) : "as the install has it"}
          onInput={(event) => props.onChange(props.steps[Number(event.currentTarget.value)] ?? "")}
        />
        <input
          id={id}
          aria-describedby={`${id}-note`}
          aria-invalid={Boolean(props.problem)}
          placeholder={props.usual ?? "any"}
          value={props.value}
          spellcheck={false}
          autocomplete="off"
          onInput={(event) => props.onChange(event.currentTarget.value)}
        />
      </div>
      <p class="field-note" id={`${id}-note`}>
        {props.problem ?? (shown() ? props.words(shown()) : "No limit of its own")}
      </p>
    </div>
  );
}
