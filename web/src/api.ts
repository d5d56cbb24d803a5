// The server's words and how to send them. Written from the API contract; `npm run types` makes the
// generated twin, schema.d.ts, to compare with.

export type Role = "caller" | "agent" | "ivr" | "mixed";
export type State = "queued" | "running" | "done" | "failed" | "quarantined";
export type DeflectionKind = "channel" | "callback" | "transfer";
export type Target =
  | "website" | "app" | "email" | "form" | "help_page" | "phone" | "chat" | "branch" | "mail" | "department"
  | "third_party" | "later" | "elsewhere";
export type Outcome =
  | "fulfilled" | "fulfilled_after_pushback" | "deflected_unresolved" | "partially" | "legitimately_redirected"
  | "unresolved" | "unclear";

export interface Span { start_ms: number; end_ms: number }
export interface Evidence extends Span { turn: number; speaker: Role; quote: string; channel?: number }
export type Could = "could_have" | "could_after" | "not_allowed" | "right_target" | "unknown";
export interface PlaybookVerdict { verdict: Could; because: string; better?: string; intent?: string }
export interface Deflection extends Evidence {
  kind: DeflectionKind; target: Target; by: Role; confidence: number; playbook?: PlaybookVerdict;
}
export interface Chain {
  intent: string; request: Evidence; deflections: Deflection[]; pushbacks: Evidence[]; outcome: Outcome; proof?: Evidence;
}
export interface Word extends Span { text: string; confidence: number }
export interface Act { label: string; quote: [number, number]; confidence: number; target?: Target }
export interface Turn extends Span {
  i: number; speaker: Role; text: string; confidence: number; labels: string[]; acts: Act[]; words?: Word[];
  backchannel?: boolean; channel?: number;
}
export interface Reason { note: string; cost: number; evidence: Evidence[]; finding?: string }
export interface Point { name: string; title: string; earned: number; possible: number; because: Reason[] }
export interface Measures {
  duration_ms: number; agent_talk_ms: number; caller_talk_ms: number; ivr_talk_ms: number; talk_over_ms: number;
  agent_interruptions: number; caller_interruptions: number; silence_ms: number; longest_silence_ms: number; hold_ms: number;
  apology_ms: number; solving_ms: number; agent_response_ms?: number; agent_talk_share?: number;
  agent_words_per_minute?: number; caller_words_per_minute?: number; request_to_deflection_ms?: number;
  request_to_fulfilment_ms?: number;
}
export interface Opportunity {
  burden: string; said: Evidence; response: "acknowledged" | "needed_nothing" | "hollow" | "missed"; answer: Evidence;
  action?: Evidence;
}
export interface Report {
  schema: string;
  call: { deflected: boolean; deflection_kinds: DeflectionKind[]; ivr_deflected: boolean; pushed_back: boolean; outcome: Outcome; request: string };
  source: { name: string; bytes: number; container: string; codec: string; rate_hz: number; channels: number; duration_ms: number };
  audio: { layout: string; channels: { channel: number; role: Role; role_basis: string; dead: boolean }[]; warnings: { code: string; text: string }[] };
  chains: Chain[];
  findings: { detector: string; category: string; confidence: number; note: string; evidence: Evidence[] }[];
  turns: Turn[];
  talk_overs: (Span & { by: Role; interruption: boolean })[];
  silences: (Span & { hold: boolean })[];
  dtmf: (Span & { digit: string; channel: number })[];
  tones: (Span & { kind: string; channel: number })[];
  measures: Measures;
  empathy: { opportunities: Opportunity[] };
  scorecard?: { percent?: number; earned: number; possible: number; points: Point[] };
  provenance: { version: string; model: string; language: string; storeys: string[]; produced_at: string; playbook?: { name: string } };
  complete: boolean;
}

export interface Team { id: string; name: string; retention_days?: number | null; keep_original?: boolean; calls?: number }
export interface Progress { done_ms: number; total_ms: number }
export interface CallRow {
  id: string; state: State; name: string; team: { id: string; name: string }; agent?: string; queue?: string; caller_ref?: string;
  direction?: string; tags: string[]; external_id?: string; started_at: string; received_at: string; duration_ms?: number;
  deflected?: boolean; pushed_back?: boolean; outcome?: Outcome; request?: string; score?: number; glyph?: string[];
  reviewed_by?: string; progress?: Progress; error?: { code: string; detail: string };
  snippet?: { turn: number; speaker: Role; start_ms: number; text: string; marks: [number, number][] };
}
export interface CallDetail extends CallRow {
  bytes: number; sha256: string; roles?: string; language?: string; legal_hold: boolean; erase_at?: string; attempt: number;
  revision: number; has_audio: boolean; playbook?: { id: string; name: string };
}
export interface CallList { calls: CallRow[]; next?: string | null; total: number }
export interface Peaks { per_second: number; duration_ms: number; channels: { channel: number; role: Role; peaks: number[] }[] }
export type ReviewState = "confirmed" | "disputed" | null;
export interface Review { state: ReviewState; reason?: string; comment?: string; by: string; at: string }
export interface Finding {
  id: string; detector: string; category: string; title: string; confidence: number; note: string; made_by?: string;
  review?: Review; history: Review[]; evidence: Evidence[];
}
export interface Person { id?: string; name: string; email?: string; role: "qa" | "supervisor" | "admin"; teams: { id: string; name: string }[]; disabled?: boolean; invited?: boolean; last_seen_at?: string }
export interface Session { person: Person; csrf: string; accounts: boolean }

export interface Detector {
  id: string; category: string; title: string; what?: string; why?: string; silent?: string; confirmed: number; disputed: number; added?: number;
  raised: number; precision?: number | null; interval?: [number, number] | null;
}
export interface Clip {
  id: string; call: string; finding?: string; agent: string; start_ms: number; end_ms: number; quote: string; why: string;
  better?: string; made_by?: string; created_at: string; has_audio?: boolean; answer?: "acknowledged" | "disputed"; answer_note?: string; answered_at?: string;
}
export interface Share { id: string; agent: string; team: string | { id: string; name: string }; created_at: string; expires_at: string; revoked_at?: string; made_by?: string; link?: string }
export interface Figures {
  calls: number; with_request: number; deflected: number; pushed_back: number; fulfilled: number; opportunities: number;
  acknowledged: number; caller_ms: number;
}
export interface TrendPoint extends Figures { at: string }
export interface Trends {
  headline: Figures;
  before?: Figures;
  series: { group?: string; points: TrendPoint[] }[];
  top_targets: { target: Target; kind: DeflectionKind; calls: number }[];
  top_requests: { request: string; calls: number; deflected: number; example?: { call: string; start_ms: number; end_ms?: number; quote: string } }[];
  phrases: { quote: string; calls: number; examples: { call: string; start_ms: number; quote: string }[] }[];
  verbatims: { call: string; at: string; request: string; quote: string; target: Target; start_ms: number; end_ms: number }[];
}
export interface Playbook { id: string; name: string; toml?: string; made_by?: string; created_at: string; activated_at?: string; active?: boolean }
export interface Mistake { line: number; column: number; message: string; cure?: string }
export interface Check { ok: boolean; mistakes: Mistake[]; summary?: string }
interface Judged { deflected: number; mean_score?: number; verdicts: Record<string, number>; house: Record<string, number> }
export interface Rescore {
  calls: number; changed: number; skipped: number; before: Judged; after: Judged; examples: { call: string; name: string }[];
}

/** What the server says went wrong, in words for people. */
export class Problem extends Error {
  constructor(readonly status: number, readonly slug: string, detail: string) {
    super(detail);
  }
}

let csrf = "";
export const useToken = (token: string) => void (csrf = token);
export const token = () => csrf;

let onSignedOut = () => {};
export const whenSignedOut = (what: () => void) => void (onSignedOut = what);

/** Reads a problem document, or makes one of whatever came instead. */
export function problemOf(status: number, text: string): Problem {
  try {
    const said = JSON.parse(text) as { type?: string; code?: string; title?: string; detail?: string };
    return new Problem(status, said.code ?? "", said.detail ?? said.title ?? `the server answered ${status}`);
  } catch {
    return new Problem(status, "", status === 0 ? "The server cannot be reached; check that it runs, then try again." : `The server answered ${status}.`);
  }
}

type Options = { headers?: Record<string, string>; signal?: AbortSignal; quiet?: boolean };

async function send(method: string, path: string, body: unknown, options: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...options.headers };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (method !== "GET" && csrf) headers["x-csrf-token"] = csrf;
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? null : JSON.stringify(body), signal: options.signal ?? null });
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw problemOf(0, "");
  }
  if (!answer.ok) {
    if (answer.status === 401 && !options.quiet) onSignedOut();
    throw problemOf(answer.status, await answer.text());
  }
  return answer;
}

async function call<T>(method: string, path: string, body?: unknown, options: Options = {}): Promise<T> {
  const answer = await send(method, path, body, options);
  const text = await answer.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

export const get = <T>(path: string, options?: Options) => call<T>("GET", path, undefined, options);
export const post = <T>(path: string, body: unknown = {}, options?: Options) => call<T>("POST", path, body, options);
export const put = <T>(path: string, body: unknown, options?: Options) => call<T>("PUT", path, body, options);
export const patch = <T>(path: string, body: unknown, options?: Options) => call<T>("PATCH", path, body, options);
export const erase = <T>(path: string, options?: Options) => call<T>("DELETE", path, undefined, options);

/** `?a=b` of what is set; empty values are left out. */
export function query(values: Record<string, string | number | boolean | undefined | null>): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") set.set(name, String(value));
  }
  const text = set.toString();
  return text ? `?${text}` : "";
}

/** What to show of anything that was thrown. */
export const said = (cause: unknown) => {
  const text = cause instanceof Error ? cause.message : String(cause);
  return text ? text[0]!.toUpperCase() + text.slice(1) + (/[.?!]$/.test(text) ? "" : ".") : "Something went wrong.";
};
