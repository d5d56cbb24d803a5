// The marks of the chain glyph as SVG shapes around 0 0. The report page draws the same ones.
import type { Mark } from "../words";
import type { Target } from "../api";

export interface Shape { d?: string; r?: number; class: string }

const CLOCK = "M-9 0A9 9 0 1 0 9 0 9 9 0 1 0-9 0M0-5V0L4 3";
const ICON: Record<Target, string> = {
  website: "M-9 0H9M0-9C-6-4-6 4 0 9 6 4 6-4 0-9M-9 0A9 9 0 1 0 9 0 9 9 0 1 0-9 0",
  app: "M-5-9H5a1 1 0 0 1 1 1V8a1 1 0 0 1-1 1H-5a1 1 0 0 1-1-1V-8a1 1 0 0 1 1-1ZM-1.5 6H1.5",
  email: "M-9-6H9V7H-9ZM-9-6 0 2 9-6",
  form: "M-7-9H7V9H-7ZM-4-4H4M-4 0H4M-4 4H1",
  help_page: "M-5-4a5 5 0 1 1 7 4.6q-2 1-2 3.4M0 8v.1",
  phone: "M-8-8-4-9-2-4-4.5-2C-3 1-1 3 2 4.5L4 2 9 4 8 8C2 10-10-2-8-8Z",
  chat: "M-9-7H9V4H0L-5 9V4H-9Z",
  branch: "M-8-1V8H8V-1M-10-3-7-8H7L10-3ZM-2 8V2H3V8",
  mail: "M-8 9V-3A5 5 0 0 1 2-3V9ZM-3-8H4A5 5 0 0 1 9-3V9H2M-5-1H-1",
  department: "M-4-2a3.5 3.5 0 1 0-.1 0ZM-10 8C-10-1 2-1 2 8M5-2a3 3 0 1 0-2-5M5 1C8 1 10 4 10 8",
  third_party: "M-9 8V-4H-1V8M-1 8V-9H8V8ZM-10 8H10M-6-1V-.9M-6 3V3.1M3-5V-4.9M3-1V-.9M3 3V3.1",
  later: CLOCK,
  elsewhere: "M-7 0H-6.9M0 0H.1M7 0H7.1",
};
const QUESTION = "M-5-4a5 5 0 1 1 7 4.6q-2 1-2 3.4M0 8.5v.1";

export function shapes(mark: Mark): Shape[] {
  switch (mark.kind) {
    case "request": return [{ r: 12, class: "ring caller" }];
    case "pushback": return [{ r: 16, class: "hole" }, { d: "M-3-12-11-5-3 2M-11-5H4a8 8 0 0 1 0 16H-7", class: "stroke caller" }];
    case "away": return [
      { r: 17, class: "disc away" },
      { d: mark.how === "callback" ? CLOCK : (ICON[mark.target] ?? ICON.elsewhere), class: "icon" },
      { d: "M15-15 25-25M17-25H25V-17", class: "stroke away" },
    ];
    case "end": switch (mark.outcome) {
      case "fulfilled": case "fulfilled_after_pushback": return [{ r: 13, class: "disc" }];
      case "partially": return [{ r: 12, class: "ring" }, { d: "M0-12A12 12 0 0 0 0 12Z", class: "disc" }];
      case "legitimately_redirected": return [{ r: 14, class: "ring" }, { d: "M-7 0H7M1-6 7 0 1 6", class: "stroke" }];
      case "deflected_unresolved": return [{ r: 16, class: "hole" }, { d: "M-11 11 11-11M-5-11H11V5", class: "stroke away big" }];
      case "unresolved": return [{ r: 16, class: "hole" }, { d: "M-10-10 10 10M10-10-10 10", class: "stroke big" }];
      default: return [{ r: 14, class: "ring faint" }, { d: QUESTION, class: "stroke" }];
    }
  }
}

/** Whether the caller stands aside after this mark; null leaves things as they were. */
export function aside(mark: Mark): boolean | null {
  if (mark.kind === "away") return true;
  if (mark.kind !== "end") return false;
  return mark.outcome === "deflected_unresolved" ? true : mark.outcome === "unclear" ? null : false;
}
