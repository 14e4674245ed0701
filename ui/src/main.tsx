import { render } from "solid-js/web";
import { App } from "./app";
import "./styles/base.css";
import "./styles/parts.css";

const root = document.querySelector("#app");
if (!root) throw new Error("no #app in the page");
render(() => <App />, root);
