// Plain words for what the report says in codes. They tell what was said and done, never what somebody is.
import type { Chain, CallRow, DeflectionKind, Evidence, Measures, Opportunity, Outcome, Report, Role, Target } from "./api";
import { clock, length } from "./time";

const TARGET: Record<Target, string> = {
  website: "the website", app: "the app", email: "an e-mail address", form: "a form", help_page: "a help page",
  phone: "another number", chat: "a chat", branch: "a branch", mail: "the post", department: "another team",
  third_party: "another company", later: "a later time", elsewhere: "somewhere else",
};
const SHORT: Record<Target, string> = {
  website: "website", app: "app", email: "e-mail", form: "form", help_page: "help page", phone: "other number", chat: "chat",
  branch: "branch", mail: "post", department: "other team", third_party: "other company", later: "later", elsewhere: "elsewhere",
};
const OUTCOME: Record<Outcome, string> = {
  fulfilled: "fulfilled", fulfilled_after_pushback: "fulfilled after insisting", deflected_unresolved: "sent away, not resolved",
  partially: "partly met", legitimately_redirected: "rightly pointed on", unresolved: "not resolved", unclear: "end unclear",
};
const WHO: Record<Role, string> = { caller: "caller", agent: "agent", ivr: "recorded voice", mixed: "someone" };

export const LABEL: Record<string, string> = {
  channel_deflection: "sent elsewhere", callback_deflection: "told to call later", transfer_deflection: "sent to others",
  legit_redirect: "good pointer", secure_move: "moved to a private line", policy_quote: "rule quoted", blame_lecture: "lecture",
  hollow_apology: "stock apology", scripted_filler: "stock phrase", refusal_without_alternative: "plain no",
  acknowledgement: "took notice", ownership: "took it on", offer_action: "next step", warm_transfer: "handed over",
  clarifying_question: "asked to help", fulfilment: "done", request: "asked", pushback: "insisted", frustration: "upset",
  gratitude: "thanked", acceptance: "agreed",
};
export const AWAY_LABELS = new Set(["channel_deflection", "callback_deflection", "transfer_deflection"]);

export const CATEGORY: Record<string, string> = {
  deflection: "sent away", script: "script instead of help", empathy: "empathy", ivr: "recorded voice", help: "went well",
  house: "house rule",
};
/** What reviewers call the findings of a detector; rules of the house bring their own name. */
const DETECTOR: Record<string, string> = {
  "deflection.channel": "Sent to another channel", "deflection.callback": "Told to try again later", "deflection.transfer": "Sent to others",
  "deflection.again": "Sent away once more", "deflection.ivr": "Sent away by the recorded voice", "script.policy_quote": "Rule in place of help",
  "script.hollow_apology": "Stock apology", "script.filler": "Stock phrase", "script.refusal": "Plain no", "empathy.blame_lecture": "Lecture",
  "empathy.missed": "Hardship passed unnoticed", "empathy.acknowledged": "Hardship noticed", "help.warm_transfer": "Handed over with the story",
  "help.ownership": "Took it on", "help.gave_way": "Gave way after all", "ivr.loop": "The same prompt again and again", "ivr.zero_out": "Asked for a person",
};
export const findingName = (one: { id: string; title: string }) => DETECTOR[one.id] ?? (one.title || one.id);
export const BURDEN: Record<string, string> = {
  bereavement: "somebody died", illness: "illness", missed_event: "something missed", money: "money trouble", long_wait: "a long wait",
  repeated_contact: "having asked before", worry: "worry", frustration: "frustration",
};
export const RESPONSE: Record<Opportunity["response"], string> = {
  acknowledged: "was acknowledged", needed_nothing: "was solved at once", hollow: "met a stock phrase", missed: "passed unnoticed",
};
export const COULD: Record<string, string> = {
  could_have: "Could have been done here", could_after: "Could have been done here, after one step",
  not_allowed: "Could not be done here", right_target: "Sent there on purpose", unknown: "The playbook does not say",
};
export const DISPUTES = ["misheard", "the caller asked for it", "it was the right answer", "nothing of the kind was said", "other"];

export const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
export const sentence = (text: string) => `${capital(text)}${/[.!?]$/.test(text) ? "" : "."}`;
export const who = (role: string) => WHO[role as Role] ?? role;
export const place = (target: string) => TARGET[target as Target] ?? target.replaceAll("_", " ");
export const shortPlace = (target: string) => SHORT[target as Target] ?? target.replaceAll("_", " ");
export const ending = (outcome: string) => OUTCOME[outcome as Outcome] ?? outcome.replaceAll("_", " ");
export const OUTCOMES = Object.keys(OUTCOME) as Outcome[];
export const TARGETS = Object.keys(TARGET) as Target[];
export const times = (n: number) => (n === 1 ? "once" : n === 2 ? "twice" : `${n} times`);
export const count = (n: number, one: string, many = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
export const percent = (part: number, whole: number) => (whole ? `${Math.min(100, Math.round((100 * part) / whole))}%` : "–");

/** "sent to the website", "told to call later". */
export function turnedAside(kind: DeflectionKind | (string & {}), target: Target | (string & {})): string {
  if (kind === "callback" || target === "later") return "told to try again later";
  if (kind === "transfer" && target === "elsewhere") return "told to contact somebody else";
  if (target === "elsewhere") return "sent elsewhere";
  return `sent to ${place(target)}`;
}

export type Mark =
  | { kind: "request" } | { kind: "pushback" } | { kind: "away"; how: DeflectionKind; target: Target } | { kind: "end"; outcome: Outcome };
export interface Step { mark: Mark; says: string; word: string; evidence?: Evidence }

/** The steps of a chain in the order of time, the end last. */
export function steps(chain: Chain): Step[] {
  const middle: (Step & { evidence: Evidence })[] = [
    ...chain.deflections.map((one) => ({
      mark: { kind: "away", how: one.kind, target: one.target } as Mark,
      says: one.by === "ivr" ? `${capital(turnedAside(one.kind, one.target))} by the recorded voice` : capital(turnedAside(one.kind, one.target)),
      word: one.kind === "callback" ? "later" : SHORT[one.target],
      evidence: one,
    })),
    ...chain.pushbacks.map((one) => ({ mark: { kind: "pushback" } as Mark, says: "The caller insisted", word: "insisted", evidence: one })),
  ];
  middle.sort((a, b) => a.evidence.start_ms - b.evidence.start_ms || a.evidence.turn - b.evidence.turn);
  const end: Step = { mark: { kind: "end", outcome: chain.outcome }, says: capital(ending(chain.outcome)), word: endWord(chain.outcome) };
  if (chain.proof) end.evidence = chain.proof;
  return [{ mark: { kind: "request" }, says: "The caller asked", word: "asked", evidence: chain.request }, ...middle, end];
}

function endWord(outcome: Outcome): string {
  return { fulfilled: "fulfilled", fulfilled_after_pushback: "fulfilled", partially: "partly met", legitimately_redirected: "pointed on", deflected_unresolved: "sent away", unresolved: "not resolved", unclear: "unclear" }[outcome];
}

/** Marks from the words of a list row: `request deflection.website pushback fulfilled`. */
export function marksOf(glyph: string[] | undefined): Mark[] {
  return (glyph ?? []).map((word): Mark => {
    if (word === "request" || word === "pushback") return { kind: word };
    if (word.startsWith("deflection")) {
      const target = (word.split(".")[1] ?? "elsewhere") as Target;
      return { kind: "away", how: target === "later" ? "callback" : "channel", target };
    }
    return { kind: "end", outcome: word as Outcome };
  });
}

/** The glyph read out. */
export function readOut(marks: Mark[]): string {
  return marks.map((mark) => {
    if (mark.kind === "request") return "asked";
    if (mark.kind === "pushback") return "insisted";
    if (mark.kind === "away") return turnedAside(mark.how, mark.target);
    return ending(mark.outcome);
  }).join(", ");
}

/** The call in a few short sentences. */
export function verdict(report: Report): { text: string; away?: boolean }[] {
  if (!report.turns.length) return [{ text: "There is nothing to read: nobody speaks." }];
  if (!report.chains.length) return [{ text: "Nobody asked for anything, so there is no chain to tell." }];
  const told: { text: string; away?: boolean }[] = [];
  const all = report.chains.flatMap((chain) => chain.deflections);
  const people = all.filter((one) => one.by !== "ivr");
  if (people.length === 1) told.push({ text: `${capital(turnedAside(people[0]!.kind, people[0]!.target))}.`, away: true });
  else if (people.length) {
    const places = [...new Set(people.map((one) => turnedAside(one.kind, one.target).replace(/^sent /, "")))];
    told.push({ text: `Sent away ${times(people.length)}: ${places.join(", ")}.`, away: true });
  }
  const machine = all.find((one) => one.by === "ivr");
  if (machine) told.push({ text: `The recorded voice pointed to ${place(machine.target)}.`, away: true });
  const pushes = report.chains.reduce((sum, chain) => sum + chain.pushbacks.length, 0);
  if (pushes) told.push({ text: `Insisted ${times(pushes)}.` });
  told.push({ text: `${capital(ending(report.call.outcome))}${told.length ? "." : ", without being sent away."}` });
  return told;
}

/** The measures as plain sentences; what did not happen is left out. */
export function measured(m: Measures): string[] {
  const lines: string[] = [];
  if (m.agent_talk_share !== undefined) {
    lines.push(`The agent spoke ${Math.round(m.agent_talk_share * 100)}% of the time the two talked (${length(m.agent_talk_ms)}; the caller ${length(m.caller_talk_ms)}).`);
  }
  if (m.ivr_talk_ms) lines.push(`The recorded voice spoke for ${length(m.ivr_talk_ms)}.`);
  if (m.hold_ms) lines.push(`Hold and tones: ${length(m.hold_ms)}.`);
  if (m.silence_ms) lines.push(`Nobody spoke for ${length(m.silence_ms)}${m.longest_silence_ms < m.silence_ms ? `, at the longest ${length(m.longest_silence_ms)}` : ""}.`);
  if (m.talk_over_ms) lines.push(`Both spoke at once for ${length(m.talk_over_ms)}.`);
  if (m.agent_interruptions) lines.push(`The agent came in on the caller ${times(m.agent_interruptions)}.`);
  if (m.caller_interruptions) lines.push(`The caller came in on the agent ${times(m.caller_interruptions)}.`);
  if (m.apology_ms || m.solving_ms) lines.push(`${capital(length(m.apology_ms))} of stock apology, ${length(m.solving_ms)} of solving.`);
  if (m.agent_response_ms !== undefined) lines.push(`The agent answered after ${length(m.agent_response_ms)} as a rule.`);
  if (m.request_to_deflection_ms !== undefined) lines.push(`From the request to being sent away: ${length(m.request_to_deflection_ms)}.`);
  if (m.request_to_fulfilment_ms !== undefined) lines.push(`From the request to its fulfilment: ${length(m.request_to_fulfilment_ms)}.`);
  return lines;
}

/** What to call a call in a list. */
export function titleOf(row: CallRow): string {
  if (row.request) return row.request;
  if (row.state === "done") return "No request was heard";
  return row.name;
}

/** What a call that is not done is doing. */
export function stateWords(row: CallRow): string {
  switch (row.state) {
    case "queued": return "waiting its turn";
    case "running": {
      const { done_ms = 0, total_ms = 0 } = row.progress ?? {};
      return total_ms ? `listening, ${clock(done_ms)} of ${clock(total_ms)}` : "listening";
    }
    case "failed": return row.error?.detail ?? "could not be analysed";
    case "quarantined": return `set aside: ${row.error?.detail ?? "it stopped the analysis more than once"}`;
    default: return "";
  }
}
