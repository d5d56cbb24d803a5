export type Theme = "auto" | "light" | "dark";

const kept = (() => {
  try {
    return localStorage.getItem("theme");
  } catch {
    return null;
  }
})();
export const theme = $state<{ is: Theme }>({ is: kept === "light" || kept === "dark" ? kept : "auto" });

export function applyTheme() {
  if (theme.is === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.is;
}

export function setTheme(is: Theme) {
  theme.is = is;
  applyTheme();
  try {
    if (is === "auto") localStorage.removeItem("theme");
    else localStorage.setItem("theme", is);
  } catch {
    // A browser that keeps nothing still shows the theme until the page closes.
  }
}

/** Whether the page is dark now; canvases draw themselves anew when it changes. */
const system = matchMedia("(prefers-color-scheme: dark)");
let systemDark = $state(system.matches);
system.addEventListener("change", () => (systemDark = system.matches));
export const isDark = () => (theme.is === "auto" ? systemDark : theme.is === "dark");
