import { mount } from "svelte";
import App from "./App.svelte";
import "./styles.css";
import { applyTheme } from "./theme.svelte";

applyTheme();
export default mount(App, { target: document.getElementById("app")! });
