// What the live doors say. The events are not in the description of the API piece by piece, so they stand here.
import type { Act, Could, DeflectionKind, Outcome, Role, Span, Target } from "../api";

export interface LiveQuote extends Span { quote: string }
export interface LiveBounce extends LiveQuote { kind: DeflectionKind; target: Target; by: Role; confidence: number; could?: Could; because?: string }
export interface LiveStory { n: number; request: LiveQuote; deflections: LiveBounce[]; pushbacks: LiveQuote[]; outcome: Outcome; glyph: string[] }
export interface LiveNudge extends LiveQuote { kind: "redirect" | "person" | "unanswered"; text: string; better?: string }
export interface LiveHint extends LiveNudge { at_ms: number }
export interface LiveLine extends Span { speaker: Role; text: string }
export interface LiveTurn extends LiveLine { key: string; labels: Act["label"][]; closed: boolean }
export interface LiveFacts { name?: string; external_id?: string; agent?: string; queue?: string; team?: string; caller_ref?: string; language?: string }
export interface LiveCard {
  id: string; started_at: string; protocol: string; facts: LiveFacts; roles: Role[]; heard_ms: number; lag_ms?: number; last: LiveLine[];
  chain?: LiveStory; nudge?: LiveHint; lost_ms: number; skipped: number; warnings: string[]; urgency: number;
}
export interface LiveWall { calls: LiveCard[]; capacity: number; seq: number }

type Told =
  | { type: "started"; protocol: string; rate_hz: number; roles: Role[]; facts: LiveFacts }
  | ({ type: "utterance" } & LiveLine)
  | ({ type: "turn" } & LiveTurn)
  | ({ type: "chain" } & LiveStory)
  | { type: "no_chain"; n: number }
  | ({ type: "nudge" } & LiveNudge)
  | { type: "digit"; by: Role; digit: string; at_ms: number }
  | { type: "gap"; channel: number; start_ms: number; length_ms: number; why: "network" | "overload" }
  | { type: "skipped"; speaker: Role; start_ms: number; end_ms: number }
  | { type: "warning"; code: string; text: string }
  | { type: "ended"; duration_ms: number; lost_ms: number; late_ms: number; skipped: number; accepted: boolean };
export type LiveEvent = { seq: number; call: string; heard_ms: number } & Told;
