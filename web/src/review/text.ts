// Places in a turn's text. The server counts bytes, the browser counts UTF-16 units, words have times.
import type { Act, Evidence, Turn } from "../api";

const utf8 = new TextEncoder();
export const bytesBefore = (text: string, at: number) => utf8.encode(text.slice(0, at)).length;

/** Where every word stands in the text, by going through it once. */
export function wordPlaces(turn: Turn): { start: number; end: number; start_ms: number; end_ms: number; sure: boolean }[] {
  const out = [];
  let at = 0;
  for (const word of turn.words ?? []) {
    const start = turn.text.indexOf(word.text, at);
    if (start < 0) continue;
    at = start + word.text.length;
    out.push({ start, end: at, start_ms: word.start_ms, end_ms: word.end_ms, sure: word.confidence >= 0.5 });
  }
  return out;
}

/** Where a quote stands in its turn: the occurrence nearest to its time. */
export function quotePlace(turn: Turn, evidence: Evidence): [number, number] | null {
  const { text } = turn;
  let best: [number, number] | null = null, distance = Infinity;
  for (let at = text.indexOf(evidence.quote); at >= 0 && evidence.quote; at = text.indexOf(evidence.quote, at + 1)) {
    const share = turn.start_ms + ((turn.end_ms - turn.start_ms) * at) / Math.max(1, text.length);
    const off = Math.abs(share - evidence.start_ms);
    if (off < distance) [best, distance] = [[at, at + evidence.quote.length], off];
  }
  return best;
}

/** The words of one act: its stretch of the text, and when they were said. */
export function actEvidence(turn: Turn, act: Act): { quote: string; start_ms: number; end_ms: number } {
  const bytes = utf8.encode(turn.text);
  const decode = (from: number, to: number) => new TextDecoder().decode(bytes.subarray(from, to));
  const start = decode(0, act.quote[0]).length, quote = decode(act.quote[0], act.quote[1]);
  const words = wordPlaces(turn).filter((word) => word.end > start && word.start < start + quote.length);
  return { quote, start_ms: words[0]?.start_ms ?? turn.start_ms, end_ms: words.at(-1)?.end_ms ?? turn.end_ms };
}

export interface Piece { text: string; start: number; word: number; finding: number; away: boolean; unsure: boolean; }
export interface Underline { start: number; end: number; finding: number; away: boolean }

/** Cuts a turn's text at words and at what findings quote. */
export function pieces(turn: Turn, underlines: Underline[]): Piece[] {
  const { text } = turn;
  const words = wordPlaces(turn);
  const cuts = new Set([0, text.length]);
  for (const word of words) cuts.add(word.start).add(word.end);
  for (const line of underlines) cuts.add(line.start).add(line.end);
  const sorted = [...cuts].sort((a, b) => a - b);
  const out: Piece[] = [];
  let w = 0;
  for (let n = 0; n + 1 < sorted.length; n++) {
    const start = sorted[n]!, end = sorted[n + 1]!;
    while (w < words.length && words[w]!.end <= start) w++;
    const word = words[w];
    const inWord = word !== undefined && word.start <= start && end <= word.end;
    const over = underlines.filter((line) => line.start <= start && end <= line.end);
    const line = over.find((one) => one.away) ?? over[0];
    out.push({ text: text.slice(start, end), start, word: inWord ? w : -1, finding: line?.finding ?? -1, away: line?.away ?? false, unsure: inWord && !word.sure });
  }
  return out;
}
