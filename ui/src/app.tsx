import { Route, Router, type RouteSectionProps } from "@solidjs/router";
import { ErrorBoundary } from "solid-js";
import { Header } from "./components/header";
import { Notices } from "./components/notices";
import { NotFoundPage } from "./pages/not-found";
import { ServerPage } from "./pages/server";
import { ServersPage } from "./pages/servers";
import { NoticesProvider } from "./stores/notices";
import { SessionProvider } from "./stores/session";

function Shell(props: RouteSectionProps) {
  return (
    <NoticesProvider>
      <SessionProvider>
        <a class="skip" href="#main">
          To the content
        </a>
        <Header />
        <main id="main" tabindex="-1">
          <ErrorBoundary fallback={(cause) => <p class="panel problem">Something broke here: {String(cause)}</p>}>
            {props.children}
          </ErrorBoundary>
        </main>
        <Notices />
      </SessionProvider>
    </NoticesProvider>
  );
}

export function App() {
  return (
    <Router root={Shell}>
      <Route path="/" component={ServersPage} />
      <Route path="/servers/:id" component={ServerPage} />
      <Route path="*" component={NotFoundPage} />
    </Router>
  );
}
