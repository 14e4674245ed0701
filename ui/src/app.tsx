import { Navigate, Route, Router, useParams } from "@solidjs/router";
import { lazy, onCleanup, onMount } from "solid-js";
import { untilThere } from "./lib/scripts";
import { NotFoundPage } from "./pages/not-found";
import { ServersPage } from "./pages/servers";
import { Frame } from "./shell/frame";

// The list is what most visits begin with; the other pages come when it is there, and are then there for an outage, too.
const NewPage = lazy(() => untilThere(async () => ({ default: (await import("./pages/new")).NewPage })));
const MePage = lazy(() => untilThere(async () => ({ default: (await import("./pages/me")).MePage })));
const HealthPage = lazy(() => untilThere(async () => ({ default: (await import("./pages/health")).HealthPage })));
const WorkspacePage = lazy(() => untilThere(async () => ({ default: (await import("./pages/workspace")).WorkspacePage })));
const LATER_MS = 1000;

function preload(): void {
  // One that is not there says so when it is gone to.
  for (const page of [WorkspacePage, NewPage, HealthPage, MePage]) page.preload().catch(() => undefined);
}

const TABS = { tab: ["open", "timeline", "logs", "settings", "yaml"] };

/** The address of 0.1.0. */
function OldAddress() {
  const params = useParams<{ id: string }>();
  return <Navigate href={`/w/${params.id}`} />;
}

export function App() {
  onMount(() => {
    const timer = setTimeout(preload, LATER_MS);
    onCleanup(() => clearTimeout(timer));
  });
  return (
    <Router root={Frame}>
      <Route path="/" component={ServersPage} />
      <Route path="/new" component={NewPage} />
      <Route path="/launch" component={() => <Navigate href={`/new${location.search}`} />} />
      <Route path="/w/:name/:tab?" matchFilters={TABS} component={WorkspacePage} />
      <Route path="/servers/:id" component={OldAddress} />
      <Route path="/health" component={HealthPage} />
      <Route path="/me" component={MePage} />
      <Route path="*" component={NotFoundPage} />
    </Router>
  );
}
