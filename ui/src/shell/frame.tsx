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

const LOADING_MS = 3000;

/** Puts the focus at the head of the page that has come, which may still be on its way, where it would else be lost. */
function focusPage(): void {
  const before = document.querySelector("main h1");
  const since = performance.now();
  const look = () => {
    const head = document.querySelector<HTMLElement>("main h1");
    const late = performance.now() - since > LOADING_MS;
    if (!late && (!head || (head === before && before.isConnected && !isLost()))) {
      requestAnimationFrame(look);
      return;
    }
    // A page may have put it elsewhere: into its first field, say.
    if (!isLost() && document.activeElement?.closest("main, dialog")) return;
    head?.setAttribute("tabindex", "-1");
    (head ?? document.querySelector<HTMLElement>("main"))?.focus({ preventScroll: true });
  };
  requestAnimationFrame(look);
}

function isLost(): boolean {
  return !document.activeElement || document.activeElement === document.body;
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
