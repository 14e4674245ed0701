import { useLocation, type RouteSectionProps } from "@solidjs/router";
import { createEffect, createSignal, ErrorBoundary, on, Show } from "solid-js";
import { Button } from "../components/button";
import { EmptyState } from "../components/empty-state";
import { Tooltips } from "../components/tooltip";
import { NoticesProvider } from "../stores/notices";
import { ActionsProvider } from "../stores/actions";
import { SessionProvider, useSession } from "../stores/session";
import { Header } from "./header";
import { Keys, onKeys } from "./keys";
import { Notices } from "./notices";
import { Palette } from "./palette";
import { Questions, Results } from "./questions";
import { ShellContext } from "./shell";
import { SignedOut, SignIn } from "./sign-in";

function Broken(props: { cause: unknown; again: () => void }) {
  return (
    <EmptyState
      icon="alert"
      level={1}
      title="This page has broken"
      action={
        <>
          <Button variant="primary" icon="refresh" onClick={() => props.again()}>
            Show it again
          </Button>
          <a class="button" href="/" rel="external">
            To the workspaces
          </a>
        </>
      }
    >
      <p role="alert">{props.cause instanceof Error ? props.cause.message : String(props.cause)}</p>
      <p>Your workspaces are not touched by it.</p>
    </EmptyState>
  );
}

/** `/w/lab/logs` and `/w/lab/settings` are one page to a reader; `/` and `/new` are two. */
function pageOf(path: string): string {
  return path.split("/").slice(0, 3).join("/");
}

/** Puts the focus at the head of the page that has come, where it would else be lost. */
function focusPage(): void {
  queueMicrotask(() => {
    const main = document.querySelector<HTMLElement>("main");
    const head = main?.querySelector<HTMLElement>("h1");
    head?.setAttribute("tabindex", "-1");
    (head ?? main)?.focus({ preventScroll: true });
  });
}

function Page(props: RouteSectionProps) {
  const { me } = useSession();
  const location = useLocation();
  createEffect(on(() => pageOf(location.pathname), focusPage, { defer: true }));
  return (
    <main id="main" tabindex="-1">
      <Show when={me.value()?.kind !== "anonymous"} fallback={<SignIn />}>
        <ErrorBoundary fallback={(cause, reset) => <Broken cause={cause} again={reset} />}>{props.children}</ErrorBoundary>
      </Show>
    </main>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("#main")?.focus();
}

/** What is around every page. */
export function Frame(props: RouteSectionProps) {
  const [palette, setPalette] = createSignal(false);
  const [keys, setKeys] = createSignal(false);
  const controls = { showPalette: () => setPalette(true), showKeys: () => setKeys(true) };
  return (
    <NoticesProvider>
      <SessionProvider>
        <ActionsProvider>
          <ShellContext.Provider value={controls}>
            {/* `on:` since the router hears of clicks at the document, and would take this one for a change of page. */}
            <a class="skip" href="#main" on:click={skip}>
              To the content
            </a>
            <SignedOut />
            <Header />
            <Page {...props} />
            <Palette open={palette()} onClose={() => setPalette(false)} />
            <Keys open={keys()} onClose={() => setKeys(false)} />
            <Shortcuts />
            <Questions />
            <Results />
            <Notices />
            <Tooltips />
          </ShellContext.Provider>
        </ActionsProvider>
      </SessionProvider>
    </NoticesProvider>
  );
}

function Shortcuts() {
  onKeys();
  return null;
}
