// For working on the pages only: answers like the server, out of memory, with made-up calls.
//
//   runaround analyze fixtures/calls/*.flac --out reports
//   node dev/mock.mjs reports [calls] [port]
//
// Needs at least one report.json-like file in the folder. Serves dist/ as well, under the policy of the real server.
import { createReadStream, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";

const [folder = "reports", howMany = "400", port = "8080"] = process.argv.slice(2);
const here = new URL("..", import.meta.url).pathname;
const dist = join(here, "dist");
const sounds = join(here, "../fixtures/calls");
const reports = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith(".json")).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8"))).filter((one) => one.schema?.startsWith("runaround.report"));
if (!reports.length) throw new Error(`no report in ${folder}`);

let seed = 7;
const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
const one = (list) => list[Math.floor(random() * list.length)];
const hex = (n) => n.toString(16).padStart(12, "0");
const teams = [{ id: "00000000-0000-7000-8000-000000000001", name: "everyone", retention_days: 90, keep_original: false }, { id: "00000000-0000-7000-8000-000000000002", name: "Lisbon", retention_days: null, keep_original: true }];
const agents = ["Dana Ruiz", "Marco Neri", "Priya Nair", "Tom Becker", "Aino Salo", "<img src=x onerror=alert(1)>"];
const queues = ["bookings", "billing", "claims"];
const wants = ["I need to get my kids in for their flu shots, which slots are available", "I'd like a refund for the order that never came", "can you take the late fee off my account", "we've got a 10 o'clock tender pass and now it's another 30 minutes", "I want to move my appointment to next week", "my router has been offline since Tuesday", "<script>alert(1)</script> is what it says on the bill"];
const stories = [["request", "deflection.website", "pushback", "fulfilled_after_pushback"], ["request", "fulfilled"], ["request", "deflection.app", "deflection.website", "pushback", "deflection.email", "deflected_unresolved"], ["request", "pushback", "pushback", "unresolved"], ["request", "deflection.later", "deflected_unresolved"], ["request", "partially"], ["request", "legitimately_redirected"], ["request", "deflection.department", "pushback", "pushback", "fulfilled_after_pushback"], ["request", "unclear"], []];

function glyphOf(report) {
  const chain = report.chains[0];
  if (!chain) return [];
  const middle = [...chain.deflections.map((d) => [d.start_ms, `deflection.${d.target}`]), ...chain.pushbacks.map((p) => [p.start_ms, "pushback"])].sort((a, b) => a[0] - b[0]).map((m) => m[1]);
  return ["request", ...middle, chain.outcome];
}
function long(report, hours) {
  const length = report.measures.duration_ms, copies = Math.ceil((hours * 3_600_000) / length);
  const shift = (value, by, turns) => JSON.parse(JSON.stringify(value), (key, v) => (key === "start_ms" || key === "end_ms" ? v + by : key === "turn" || key === "i" ? v + turns : v));
  const out = structuredClone(report);
  for (let n = 1; n < copies; n++) {
    out.turns.push(...shift(report.turns, n * length, n * report.turns.length));
    out.findings.push(...shift(report.findings, n * length, n * report.turns.length));
    out.silences.push({ start_ms: n * length - 900, end_ms: n * length + 2400, hold: n % 3 === 0 });
  }
  out.measures.duration_ms = copies * length;
  return out;
}

const calls = [];
const byId = new Map();
function make(n, more = {}) {
  const report = n === 1 ? long(reports[0], 3) : n < 40 ? reports[n % reports.length] : null;
  const glyph = report ? glyphOf(report) : one(stories);
  const end = glyph.at(-1);
  const row = {
    id: `00000000-0000-7000-9000-${hex(n)}`, state: "done", name: report?.source.name ?? `call-${n}.wav`, team: one(teams), agent: one(agents), queue: one(queues), direction: "inbound", tags: n % 5 ? [] : ["callback"],
    started_at: new Date(Date.now() - n * 47 * 60_000).toISOString(), received_at: new Date(Date.now() - n * 47 * 60_000 + 300_000).toISOString(),
    duration_ms: report?.measures.duration_ms ?? Math.floor(40_000 + random() * 600_000), deflected: glyph.some((g) => g.startsWith("deflection")), pushed_back: glyph.includes("pushback"),
    outcome: end ?? "unclear", request: report?.call.request ?? (glyph.length ? one(wants) : ""), score: Math.floor(random() * 100), glyph, ...(random() < 0.3 ? { reviewed_by: "Ana" } : {}), ...more,
  };
  const held = { row, report: report ?? reports[n % reports.length], findings: [] };
  held.findings = held.report.findings.map((f, i) => ({ id: `${f.detector}-${i}`, title: f.note, history: [], ...f }));
  byId.set(row.id, held);
  return row;
}
for (let n = 1; n <= Number(howMany); n++) calls.push(make(n, n === 4 ? { state: "running", progress: { done_ms: 21_000, total_ms: 52_000 }, glyph: undefined, request: undefined, score: undefined } : n === 6 ? { state: "failed", error: { code: "unsupported", detail: "the codec g729 is not supported; convert it to wav or flac first" }, glyph: undefined, request: undefined } : {}));

const clips = [];
const shares = [];
const votes = {};
const samples = [{ id: "s1", name: "Week 47", made_by: "Ana", created_at: new Date().toISOString(), size: 6, calls: calls.filter((c) => c.state === "done").slice(0, 6) }];
let playbook = { id: "p1", name: "Harbour Bank, telephone desk", toml: readFileSync(join(here, "../fixtures/playbooks/bank.toml"), "utf8"), created_at: new Date().toISOString(), activated_at: new Date().toISOString(), active: true, made_by: "Ana" };
const playbooks = [playbook];
let signed = !process.env.MOCK_STRANGER;
let sharedFrom = "";
const session = { person: { id: "me", name: "Ana Pereira", email: "ana@example.org", role: "admin", teams }, csrf: "mock", accounts: true };
const streams = new Set();
setInterval(() => {
  const row = calls.find((c) => c.state === "running");
  if (row) row.progress.done_ms = (row.progress.done_ms + 800) % row.progress.total_ms;
  for (const res of streams) res.write(row ? `event: call\ndata: ${JSON.stringify({ id: row.id, state: "running", progress: row.progress, revision: 1 })}\n\n` : ": ping\n\n");
}, 1000).unref();

function list(q) {
  let all = calls;
  const is = (name, of) => { if (q.get(name)) all = all.filter((c) => String(of(c) ?? "") === q.get(name)); };
  is("team", (c) => c.team.id); is("agent", (c) => c.agent); is("queue", (c) => c.queue); is("deflected", (c) => c.deflected); is("outcome", (c) => c.outcome); is("state", (c) => c.state); is("reviewed", (c) => !!c.reviewed_by); is("request", (c) => c.request);
  if (q.get("tag")) all = all.filter((c) => c.tags?.includes(q.get("tag")));
  if (q.get("target")) all = all.filter((c) => c.glyph?.includes(`deflection.${q.get("target")}`));
  if (q.get("from")) all = all.filter((c) => c.started_at >= q.get("from"));
  if (q.get("q")) {
    const word = q.get("q").toLowerCase();
    all = all.flatMap((c) => {
      const turn = c.state === "done" && byId.get(c.id).report.turns.find((t) => t.text.toLowerCase().includes(word));
      return turn ? [{ ...c, snippet: { turn: turn.i, speaker: turn.speaker, start_ms: turn.start_ms, text: turn.text, marks: [[turn.text.toLowerCase().indexOf(word), word.length]] } }] : [];
    });
  }
  if (q.get("sort") === "started") all = [...all].reverse();
  if (q.get("sort")?.endsWith("score")) all = [...all].sort((a, b) => ((a.score ?? 0) - (b.score ?? 0)) * (q.get("sort")[0] === "-" ? -1 : 1));
  const at = Number(q.get("after") ?? 0), limit = Number(q.get("limit") ?? 50);
  return { calls: all.slice(at, at + limit), next: at + limit < all.length ? String(at + limit) : null, total: Math.min(10_000, all.length) };
}
function peaks(report) {
  const size = Math.ceil(report.measures.duration_ms / 50);
  const channels = [0, 1].map((channel) => ({ channel, role: channel ? "agent" : "caller", peaks: new Array(size).fill(0) }));
  for (const turn of report.turns) for (let n = Math.floor(turn.start_ms / 50); n < turn.end_ms / 50 && n < size; n++) channels[turn.speaker === "caller" ? 0 : 1].peaks[n] = 20 + Math.floor(100 * Math.abs(Math.sin(n * 1.7) * Math.sin(n * 0.31)));
  return { per_second: 20, duration_ms: report.measures.duration_ms, channels };
}
const point = (n, scale) => ({ at: new Date(Date.now() - (6 - n) * 86_400_000).toISOString().slice(0, 10), calls: Math.floor(scale * (30 + random() * 20)), with_request: Math.floor(scale * 28), deflected: Math.floor(scale * (3 + random() * 9)), pushed_back: 4, fulfilled: Math.floor(scale * (14 + random() * 8)), opportunities: 6, acknowledged: 3, caller_ms: 400_000 });
function trends(q) {
  const groups = { none: [""], agent: agents, team: teams.map((t) => t.name), queue: queues, request: wants, target: ["website", "app", "later"] }[q.get("group") ?? "none"];
  return {
    headline: { calls: calls.length, with_request: Math.min(196, calls.length), deflected: calls.filter((c) => c.deflected).length, pushed_back: 19, fulfilled: 141, caller_ms: 5_940_000 },
    before: { calls: 180, with_request: 160, deflected: 31, pushed_back: 19, fulfilled: 101, caller_ms: 5_940_000 },
    series: groups.map((group) => ({ group, points: Array.from({ length: 7 }, (_, n) => point(n, groups.length > 1 ? 0.4 : 1)) })),
    top_targets: [{ target: "app", kind: "channel", calls: 13 }, { target: "website", kind: "channel", calls: 9 }, { target: "later", kind: "callback", calls: 5 }],
    top_requests: wants.slice(0, 5).map((request, n) => ({ request, calls: 24 - n * 3, deflected: 11 - n * 2, example: { call: calls[0].id, start_ms: 5273, end_ms: 9368, quote: request } })),
    phrases: [{ quote: "you can do that in the app", calls: 9, examples: [{ call: calls[0].id, start_ms: 5000, quote: "" }] }, { quote: "please visit our website", calls: 7, examples: [{ call: calls[1].id, start_ms: 5000, quote: "" }] }],
    verbatims: wants.slice(0, 6).map((request, n) => ({ call: calls[n].id, at: calls[n].started_at, request, quote: "If you visit our website, you can see the slot and select your time", target: "website", start_ms: 9976, end_ms: 13666 })),
  };
}
const detectors = [...new Map(reports.flatMap((r) => r.findings).map((f) => [f.detector, f])).values()].map((f, n) => ({ id: f.detector, category: f.category, title: f.note, raised: 40 - n * 3, confirmed: 21 - n * 2, disputed: n, precision: (21 - n * 2) / (21 - n), interval: [Math.max(0, (21 - n * 2) / (21 - n) - 0.2), Math.min(1, (21 - n * 2) / (21 - n) + 0.08)] }));

const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".flac": "audio/flac" };

createServer(async (req, res) => {
  const url = new URL(req.url, "http://mock");
  const path = url.pathname, q = url.searchParams;
  const answer = (status, body) => { res.writeHead(status, { "content-type": "application/json" }); res.end(body === undefined ? "" : JSON.stringify(body)); };
  const problem = (status, slug, detail) => { res.writeHead(status, { "content-type": "application/problem+json" }); res.end(JSON.stringify({ type: `/problems/${slug}`, status, detail })); };
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  const body = (req.headers["content-type"] ?? "").includes("json") && raw.length ? JSON.parse(raw) : {};
  const m = req.method;
  if (!path.startsWith("/v1/")) {
    let file = join(dist, path);
    if (!existsSync(file) || statSync(file).isDirectory()) file = join(dist, "index.html");
    res.writeHead(200, { "content-type": TYPES[extname(file)] ?? "application/octet-stream", "content-security-policy": POLICY });
    return createReadStream(file).pipe(res);
  }
  if (path === "/v1/session") {
    if (m === "POST") { if (/wrong|not the/.test(body.password)) return problem(401, "unauthorized", "no"); signed = true; }
    if (m === "DELETE") { signed = false; return answer(204); }
    return signed ? answer(200, session) : problem(401, "unauthorized", "sign in first");
  }
  const shared = path.match(/^\/v1\/shared\/([^/]+)(?:\/clips\/([^/]+))?(\/audio)?$/);
  if (shared) {
    if (shared[3]) return sound(req, res, clips.find((c) => c.id === shared[2])?.call);
    if (m === "PUT") { Object.assign(clips.find((c) => c.id === shared[2]), { answer: body.answer, answer_note: body.note, answered_at: new Date().toISOString() }); return answer(200, {}); }
    return answer(200, { agent: clips[0]?.agent ?? agents[0], clips: clips.filter((c) => c.agent === clips[0].agent) });
  }
  if (path === "/v1/setup") { signed = true; return answer(201, session); }
  if (req.headers.authorization === "Bearer ra_mock") signed = true;
  if (!signed) return problem(401, "unauthorized", "sign in first");
  if (path === "/v1/events") { res.writeHead(200, { "content-type": "text/event-stream" }); res.write(": hello\n\n"); streams.add(res); return void req.on("close", () => streams.delete(res)); }
  if (path === "/v1/calls" && m === "GET") return answer(200, list(q));
  if (path === "/v1/calls" && m === "POST") {
    const name = raw.toString("latin1").match(/filename="([^"]*)"/)?.[1] ?? "call.wav";
    if (/\.txt$|notes/.test(name)) return problem(415, "unsupported-audio", "this is not a recording that can be read; send wav, flac, mp3, ogg or m4a");
    const field = (key) => raw.toString().match(new RegExp(`name="${key}"\\r\\n\\r\\n([^\\r]*)`))?.[1];
    const row = make(3 + calls.length, { ...(field("agent") ? { agent: field("agent") } : {}), ...(field("queue") ? { queue: field("queue") } : {}), tags: (field("tags") ?? "").split(",").map((t) => t.trim()).filter(Boolean), name, state: "queued", started_at: new Date().toISOString(), glyph: undefined, request: undefined });
    calls.unshift(row);
    setTimeout(() => { Object.assign(row, { state: "done", glyph: glyphOf(reports[0]), request: reports[0].call.request }); const held = byId.get(row.id); held.report = reports[0]; held.findings = reports[0].findings.map((f, i) => ({ id: `${f.detector}-${i}`, title: f.note, history: [], ...f })); for (const s of streams) s.write(`event: call\ndata: ${JSON.stringify({ id: row.id, state: "done" })}\n\n`); }, 4000);
    return answer(202, row);
  }
  const at = path.match(/^\/v1\/calls\/([^/]+)(?:\/(.*))?$/);
  if (at) {
    const held = byId.get(at[1]);
    if (!held) return problem(404, "not-found", "there is no such call");
    const rest = at[2] ?? "";
    if (!rest && m === "GET") return answer(200, { ...held.row, bytes: 500_000, sha256: "0", legal_hold: false, attempt: 1, revision: 3, has_audio: true, erase_at: new Date(Date.now() + 8e9).toISOString() });
    if (!rest && m === "DELETE") { calls.splice(calls.indexOf(held.row), 1); return answer(202, {}); }
    if (!rest) { Object.assign(held.row, body); return answer(200, held.row); }
    if (rest === "report.json") return answer(200, held.report);
    if (rest === "transcript") return answer(200, { turns: held.report.turns });
    if (rest === "peaks") return answer(200, peaks(held.report));
    if (rest === "audio") return sound(req, res, at[1]);
    if (rest === "findings" && m === "POST") { const turn = held.report.turns[body.turn]; held.findings.push({ id: `own-${held.findings.length}`, detector: body.detector, category: body.detector.split(".")[0], title: body.note, confidence: 1, note: body.note, made_by: "Ana Pereira", history: [], evidence: [{ turn: body.turn, speaker: turn.speaker, start_ms: turn.start_ms, end_ms: turn.end_ms, quote: Buffer.from(turn.text).subarray(body.start, body.end).toString() }] }); return answer(201, {}); }
    if (rest === "findings") return answer(200, { findings: held.findings });
    if (rest === "reviewed") { if (body.reviewed) held.row.reviewed_by = "Ana Pereira"; else delete held.row.reviewed_by; return answer(200, {}); }
    if (rest === "vcon") return answer(200, {});
    const f = rest.match(/^findings\/([^/]+)(\/review)?$/);
    if (f) {
      const finding = held.findings.find((x) => x.id === decodeURIComponent(f[1]));
      if (f[2]) { const review = { ...body, by: "Ana Pereira", at: new Date().toISOString() }; finding.history.push(review); if (body.state) finding.review = review; else delete finding.review; } else held.findings.splice(held.findings.indexOf(finding), 1);
      return answer(200, finding);
    }
    return answer(202, held.row);
  }
  if (path === "/v1/trends") return answer(200, trends(q));
  if (path === "/v1/agents") return answer(200, { agents: agents.map((agent) => ({ agent, calls: 20, deflected: 3, team: teams[0].id })) });
  if (path === "/v1/queues") return answer(200, { queues: queues.map((queue) => ({ queue, calls: 10 })) });
  if (path === "/v1/teams" && m === "POST") { teams.push({ id: `t${teams.length}`, ...body }); return answer(201, teams.at(-1)); }
  if (path === "/v1/teams" && m === "GET") return answer(200, { teams });
  if (path === "/v1/detectors") return answer(200, { detectors });
  if (path === "/v1/clips" && m === "GET") return answer(200, { clips });
  if (path === "/v1/clips") { const held = byId.get(body.call), finding = held.findings.find((x) => x.id === body.finding), e = finding.evidence[0]; clips.push({ id: `c${clips.length}`, ...body, agent: held.row.agent, start_ms: e.start_ms, end_ms: e.end_ms, quote: e.quote, created_at: new Date().toISOString(), made_by: "Ana Pereira" }); return answer(201, {}); }
  if (path.startsWith("/v1/clips/")) { clips.splice(clips.findIndex((c) => path.endsWith(c.id)), 1); return answer(204); }
  if (path === "/v1/shares" && m === "GET") return answer(200, { shares });
  if (path === "/v1/shares") { const share = { id: `sh${shares.length}`, ...body, created_at: new Date().toISOString(), expires_at: new Date(Date.now() + body.days * 86_400_000).toISOString() }; shares.push(share); return answer(201, { ...share, link: "/shared/mock-token" }); }
  if (path === "/v1/samples" && m === "POST") { samples[0] = { ...samples[0], ...body, calls: samples[0].calls.slice(0, body.size) }; return answer(201, samples[0]); }
  if (path === "/v1/samples" && m === "GET") return answer(200, { samples: samples.map(({ calls: c, ...s }) => ({ ...s, judged: Object.keys(votes).length, reviewers: 1 })) });
  const vote = path.match(/^\/v1\/samples\/s1\/calls\/(.+)$/);
  if (vote) { votes[vote[1]] = body; return answer(200, {}); }
  if (path === "/v1/samples/s1") return answer(200, { ...samples[0], calls: samples[0].calls.map((c) => ({ call: c.id, name: c.name, duration_ms: c.duration_ms, vote: votes[c.id] })) });
  if (path === "/v1/samples/s1/agreement") return answer(200, { kappa: [{ a: "Ana", b: "Ben", measure: "deflected", kappa: 0.71, n: 6, same: 5 }], with_detector: [{ a: "Ana Pereira", b: "detector", measure: "deflected", kappa: 0.64, n: 6, same: 5 }] });
  if (path === "/v1/playbooks" && m === "GET") return answer(200, { playbooks });
  if (path === "/v1/playbooks") { playbook = { id: `p${playbooks.length + 1}`, name: "Saved", toml: body.toml, created_at: new Date().toISOString() }; playbooks.push(playbook); return answer(201, playbook); }
  if (path === "/v1/playbooks/check") return answer(200, body.toml.includes("colour") ? { ok: false, mistakes: [{ line: 2, column: 1, message: "unknown field `colour`", cure: "remove it, or write `name`, `intent`" }] } : { ok: true, mistakes: [], summary: "2 intents, 1 thing to say, 1 category" });
  if (/rescore$/.test(path)) return answer(200, { calls: 214, changed: 12, skipped: 0, before: { deflected: 27, mean_score: 61.2, verdicts: { could_have: 20, not_allowed: 4 }, house: {} }, after: { deflected: 27, mean_score: 57.9, verdicts: { could_have: 31, not_allowed: 4 }, house: {} }, examples: [{ call: calls[0].id, name: calls[0].name }] });
  if (path.startsWith("/v1/playbooks/")) return answer(200, playbooks.find((p) => path.includes(p.id)) ?? playbook);
  if (path === "/v1/people" && m === "POST") { session.person = { ...session.person, role: "qa" }; return answer(201, { id: "3", ...body, link: "/setup?token=t&invited" }); }
  if (path === "/v1/people") return answer(200, { people: [session.person, { id: "2", name: "Ben Ode", email: "ben@example.org", role: "qa", teams: [teams[0]], invited: true }] });
  if (path === "/v1/keys" && m === "POST") return answer(201, { id: "k2", key: "ra_mock", ...body, prefix: "ra_m", created_at: new Date().toISOString() });
  if (path === "/v1/keys") return answer(200, { keys: [{ id: "k", name: "PBX Lisbon", prefix: "ra_8f2k", scopes: ["calls:write"], created_at: new Date().toISOString() }] });
  if (path === "/v1/webhooks") return answer(200, { webhooks: [{ id: "w", url: "https://crm.example.org/hooks/runaround", events: ["call.done"], created_at: new Date().toISOString() }] });
  if (path === "/v1/audit") return answer(200, { entries: calls.slice(0, 12).map((c, n) => ({ seq: 100 - n, at: c.received_at, actor: "Ana Pereira", action: ["call.listen", "finding.review", "call.upload"][n % 3], object: `call:${c.id}`, detail: { state: "confirmed" } })), next: null });
  if (path === "/v1/system") return answer(200, { version: "0.1.0", model: { name: "base", present: true }, storeys: ["rules"], disk: { free_bytes: 41e9 }, queue: { queued: 0, running: 1 } });
  if (path === "/v1/limits") return answer(200, { upload_bytes_max: 2_147_483_648, uploads_at_once: 8 });
  if (path === "/v1/openapi.json") return answer(200, { openapi: "3.1.0", paths: {} });
  problem(404, "not-found", "there is nothing here");
}).listen(Number(port), "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${port}`));

function sound(req, res, id) {
  const name = byId.get(id)?.report.source.name ?? "flu_slots.flac";
  const file = existsSync(join(sounds, name)) ? join(sounds, name) : join(sounds, "flu_slots.flac");
  const { size } = statSync(file);
  const range = req.headers.range?.match(/bytes=(\d+)-(\d*)/);
  const start = range ? Number(range[1]) : 0, end = range?.[2] ? Number(range[2]) : size - 1;
  res.writeHead(range ? 206 : 200, { "content-type": "audio/flac", "accept-ranges": "bytes", "content-length": end - start + 1, ...(range ? { "content-range": `bytes ${start}-${end}/${size}` } : {}) });
  createReadStream(file, { start, end }).pipe(res);
}
