import { Navigate, Route, Router, useParams } from "@solidjs/router";
import { lazy } from "solid-js";
import { NotFoundPage } from "./pages/not-found";
import { ServersPage } from "./pages/servers";
import { Frame } from "./shell/frame";

// The list is what most visits begin with; the other pages come when they are asked for.
const NewPage = lazy(() => import("./pages/new").then((module) => ({ default: module.NewPage })));
const MePage = lazy(() => import("./pages/me").then((module) => ({ default: module.MePage })));
const HealthPage = lazy(() => import("./pages/health").then((module) => ({ default: module.HealthPage })));
const WorkspacePage = lazy(() => import("./pages/workspace").then((module) => ({ default: module.WorkspacePage })));

const TABS = { tab: ["open", "timeline", "logs", "settings", "yaml"] };

/** The address of 0.1.0. */
function OldAddress() {
  const params = useParams<{ id: string }>();
  return <Navigate href={`/w/${params.id}`} />;
}

export function App() {
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
