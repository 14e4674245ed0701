import { render } from "solid-js/web";
import { App } from "./app";
import { restoreTheme } from "./stores/theme";
import "./styles/tokens.css";
import "./styles/base.css";
import "./components/facts.css";

const root = document.querySelector("#app");
if (!root) throw new Error("no #app in the page");
restoreTheme();
render(() => <App />, root);
