//! The HTTP door over real sockets, with a worker that is a small shell script.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use runaround::jobs::{self, Jobs};
use runaround::store::Store;
use runaround::store::lock::Lock;
use runaround::{http, report};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::report::calls;

/// Plays the worker: what the recording holds says how it behaves. Its first argument is a folder with a report to
/// copy and room for notes.
pub(crate) const WORKER: &str = r#"
home=$1; shift
case " $* " in *' --probe '*) echo '{"done":true}'; exit;; esac
echo "$@" >> "$home/seen"
while [ $# -gt 0 ]; do
  case $1 in --input) in=$2; shift;; --out) out=$2; shift;; esac
  shift
done
finish() { cp "$home"/report.* "$out"; echo '{"done":true}'; }
case $(head -c 12 "$in") in
  well*) echo '{"progress_ms":1000,"total_ms":46567}'; finish;;
  fail*) echo '{"error":{"code":"audio-corrupt","detail":"the recording is damaged; export it again"}}'; exit 1;;
  crash*) kill -SEGV $$;;
  once*) if [ -e "$home/crashed" ]; then finish; else touch "$home/crashed"; exit 3; fi;;
  noisy*) echo 'whisper says hello'; echo '{"half'; finish;;
  endless*) head -c 200000 /dev/zero | tr '\0' x; finish;;
  liar*) echo '{"done":true}';;
  empty*) for f in html txt srt vtt json; do echo '{}' > "$out/report.$f"; done; echo '{"done":true}';;
  slow*) sleep 0.1; finish;;
  hang*) echo $$ > "$home/pid"; echo '{"progress_ms":500,"total_ms":2000}'; sleep 600 & wait;;
  wait*) echo $$ > "$home/pid"; echo '{"progress_ms":500,"total_ms":2000}'
         while [ ! -e "$home/go" ]; do sleep 0.02; done; finish;;
  nomodel*) echo '{"error":{"code":"model-unavailable","detail":"run `runaround models fetch base`"}}'; exit 1;;
esac
"#;

/// A folder with a report for the worker to copy.
pub(crate) fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    report::save(&calls::paediatrician(), home.path()).unwrap();
    home
}

pub(crate) fn worker(home: &Path) -> Vec<OsString> {
    vec!["sh".into(), "-c".into(), WORKER.into(), "worker".into(), home.into()]
}

pub(crate) fn jobs_config(command: Vec<OsString>) -> jobs::Config {
    jobs::Config { workers: 2, command, retry_after: Duration::from_millis(50), ..jobs::Config::default() }
}

/// A server in this process; dropping it stops it in good order.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(data: &Path, jobs: jobs::Config, http: http::Config) -> Self {
        let folder = data.to_owned();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let lock = Lock::take(&folder).unwrap();
                let jobs = Jobs::start(Store::open(&folder).await.unwrap(), lock, jobs).await.unwrap();
                let stopped = async {
                    let _ = stopped.await;
                };
                http::serve(listener, jobs, http, stopped).await.unwrap();
            });
        });
        let server = Self { address, stop: Some(stop), thread: Some(thread) };
        assert_eq!(server.get("/healthz").status, 200);
        server
    }

    pub(crate) fn usual(data: &Path, home: &Path) -> Self {
        Self::start(data, jobs_config(worker(home)), roomy())
    }

    pub(crate) fn send(&self, head: &str, body: &[u8]) -> Response {
        exchange(self.address, head, body)
    }

    pub(crate) fn get(&self, path: &str) -> Response {
        get(self.address, path)
    }

    /// Uploads raw bytes and gives the id.
    pub(crate) fn upload(&self, body: &[u8]) -> String {
        upload(self.address, body)
    }

    pub(crate) fn state(&self, id: &str) -> Value {
        self.get(&format!("/v1/calls/{id}")).json()
    }

    pub(crate) fn wait_for(&self, id: &str, state: &str) -> Value {
        wait_for(self.address, id, state)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking(), "the server panicked");
        }
    }
}

/// A test machine may have less room than a real one.
pub(crate) fn roomy() -> http::Config {
    http::Config { disk_reserve: 0, accounts: false, ..http::Config::default() }
}

pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':').unwrap().1.trim())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{} {}", self.status, self.text()))
    }

    /// Checks that this is the problem `code` in full dress.
    #[track_caller]
    pub(crate) fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!(problem["code"], code);
        assert_eq!(problem["type"], format!("urn:runaround:problem:{code}"));
        assert_eq!(problem["status"], status);
        assert_eq!(problem["request_id"].as_str(), self.header("x-request-id"));
        for member in ["title", "detail", "instance"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}");
        }
        problem
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

pub(crate) fn answer(socket: TcpStream) -> Response {
    try_answer(socket).expect("an answer")
}

/// `None` if the server went away.
pub(crate) fn try_answer(mut socket: TcpStream) -> Option<Response> {
    let mut all = Vec::new();
    // A server that refuses early may close before it has read everything.
    let _ = socket.read_to_end(&mut all);
    let split = all.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8(all[..split].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Response { status, head, body: all[split + 4..].to_vec() })
}

/// `head`: request line and headers, lines ended by `\n`; host and connection are added.
pub(crate) fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> Response {
    try_exchange(address, head, body).expect("an answer")
}

/// `None` if the server is not there or goes away.
pub(crate) fn try_exchange(address: SocketAddr, head: &str, body: &[u8]) -> Option<Response> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let host =
        if head.to_ascii_lowercase().contains("\nhost:") { String::new() } else { format!("host: {address}\r\n") };
    let lower = head.to_ascii_lowercase();
    let says_how_long = lower.contains("\ncontent-length:") || lower.contains("\ntransfer-encoding:");
    let length =
        if body.is_empty() || says_how_long { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = head.trim_end().replace('\n', "\r\n");
    let _ = socket.write_all(format!("{head}\r\n{host}{length}connection: close\r\n\r\n").as_bytes());
    let _ = socket.write_all(body);
    try_answer(socket)
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Response {
    exchange(address, &format!("GET {path} HTTP/1.1"), b"")
}

pub(crate) fn upload(address: SocketAddr, body: &[u8]) -> String {
    let head = format!("POST /v1/calls?name=call.wav HTTP/1.1\ncontent-length: {}", body.len());
    let response = exchange(address, &head, body);
    assert_eq!(response.status, 202, "{}", response.text());
    response.json()["id"].as_str().unwrap().to_owned()
}

#[track_caller]
pub(crate) fn wait_for(address: SocketAddr, id: &str, state: &str) -> Value {
    let begun = Instant::now();
    loop {
        let call = get(address, &format!("/v1/calls/{id}")).json();
        if call["state"] == state {
            return call;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "not {state}: {call}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[track_caller]
pub(crate) fn wait_until(mut there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !there() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never came");
        thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until the file is there with content.
pub(crate) fn wait_for_file(path: &Path) -> String {
    let begun = Instant::now();
    loop {
        if let Ok(text) = std::fs::read_to_string(path)
            && !text.trim().is_empty()
        {
            return text;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{} never came", path.display());
        thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn is_alive(pid: &str) -> bool {
    // A killed process that nobody has waited for yet is as dead.
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).is_ok_and(|stat| !stat.contains(") Z"))
}

pub(crate) fn form(parts: &[(&str, Option<&str>, &[u8])]) -> (String, Vec<u8>) {
    let mut body = Vec::new();
    for (name, file, content) in parts {
        let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
        body.extend_from_slice(
            format!("--edge\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").as_bytes(),
        );
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--edge--\r\n");
    let head = format!(
        "POST /v1/calls HTTP/1.1\ncontent-type: multipart/form-data; boundary=edge\ncontent-length: {}",
        body.len()
    );
    (head, body)
}

#[test]
fn a_raw_recording_becomes_a_report_in_every_form() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let body = b"well, and some sound".as_slice();
    let head = format!(
        "POST /v1/calls HTTP/1.1\ncontent-type: audio/wav\ncontent-disposition: attachment; filename=\"../flu slots.wav\"\ncontent-length: {}",
        body.len()
    );
    let response = server.send(&head, body);
    assert_eq!(response.status, 202, "{}", response.text());
    let accepted = response.json();
    let id = accepted["id"].as_str().unwrap();
    assert_eq!(response.header("location"), Some(format!("/v1/calls/{id}").as_str()));
    assert_eq!(accepted["links"]["self"], format!("/v1/calls/{id}"));
    assert_eq!((&accepted["name"], &accepted["bytes"]), (&Value::from("flu slots.wav"), &Value::from(20)));
    assert_eq!(accepted["sha256"], sha256_of(body));
    assert_eq!(std::fs::read(data.path().join("blobs").join(id).join("original")).unwrap(), body);

    let done = server.wait_for(id, "done");
    assert_eq!(done["attempt"], 1);
    assert!(done["ended_at"].is_string() && done["error"].is_null());
    for (link, name, kind) in [
        ("report_json", "report.json", "application/json"),
        ("report_html", "report.html", "text/html; charset=utf-8"),
        ("report_txt", "report.txt", "text/plain; charset=utf-8"),
        ("report_srt", "report.srt", "application/x-subrip; charset=utf-8"),
        ("report_vtt", "report.vtt", "text/vtt; charset=utf-8"),
    ] {
        let response = server.get(done["links"][link].as_str().unwrap());
        assert_eq!((response.status, response.header("content-type")), (200, Some(kind)));
        assert_eq!(response.body, std::fs::read(home.path().join(name)).unwrap(), "{name}");
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("referrer-policy"), Some("no-referrer"));
        let policy = response.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("style-src") == (name == "report.html"));
    }
    assert_eq!(files(data.path()), [format!("blobs/{id}/original")]);
}

/// Every file of the data folder that belongs to a call or an upload.
pub(crate) fn files(data: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![data.join("blobs"), data.join("incoming")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(data).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    let mut command = Command::new("sha256sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    command.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(command.wait_with_output().unwrap().stdout).unwrap()[..64].to_owned()
}

#[test]
fn a_form_brings_name_and_roles_and_the_worker_learns_them() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let (head, body) =
        form(&[("roles", None, b"caller, agent"), ("file", Some("C:\\calls\\-o evil.wav"), b"well formed")]);
    let response = server.send(&head, &body);
    assert_eq!(response.status, 202, "{}", response.text());
    let call = response.json();
    assert_eq!((&call["name"], &call["roles"]), (&Value::from("-o evil.wav"), &Value::from("caller,agent")));
    server.wait_for(call["id"].as_str().unwrap(), "done");
    let seen = std::fs::read_to_string(home.path().join("seen")).unwrap();
    assert!(seen.contains("--model base --roles caller,agent --name=-o evil.wav"), "{seen}");

    let (head, body) = form(&[("name", None, b"my name"), ("file", Some("x.wav"), b"well")]);
    assert_eq!(server.send(&head, &body).json()["name"], "my name");
}

#[test]
fn the_list_is_newest_first_in_pages_and_by_state() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let ids: Vec<String> = (0..5).map(|_| server.upload(b"well")).collect();
    ids.iter().for_each(|id| drop(server.wait_for(id, "done")));
    let failed = server.upload(b"fail");
    server.wait_for(&failed, "failed");
    let names = |page: &Value| -> Vec<String> {
        page["calls"].as_array().unwrap().iter().map(|call| call["id"].as_str().unwrap().to_owned()).collect()
    };
    let page = server.get("/v1/calls?limit=2").json();
    assert_eq!(names(&page), [failed.clone(), ids[4].clone()]);
    let page = server.get(&format!("/v1/calls?limit=3&after={}", page["next"].as_str().unwrap())).json();
    assert_eq!(names(&page), [ids[3].clone(), ids[2].clone(), ids[1].clone()]);
    assert_eq!(names(&server.get("/v1/calls?state=failed").json()), [failed]);
    let health = server.get("/healthz").json();
    assert_eq!((&health["status"], &health["running"]), (&Value::from("ok"), &Value::from(0)));
}

#[test]
fn a_worker_that_gives_a_reason_fails_the_call_with_it() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let id = server.upload(b"fail please");
    let call = server.wait_for(&id, "failed");
    assert_eq!(call["attempt"], 1);
    assert_eq!(call["error"]["code"], "audio-corrupt");
    assert_eq!(call["error"]["detail"], "the recording is damaged; export it again");
    server.get(&format!("/v1/calls/{id}/report.json")).is_problem(409, "invalid-state");
}

#[test]
fn a_call_that_crashes_its_worker_three_times_is_put_aside_and_the_others_go_on() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let bad = server.upload(b"crash");
    let good = server.upload(b"well");
    let call = server.wait_for(&bad, "quarantined");
    assert_eq!(call["attempt"], 3);
    assert_eq!(call["error"]["code"], "transcriber-crashed");
    assert!(call["error"]["detail"].as_str().unwrap().contains("signal 11"));
    server.wait_for(&good, "done");

    let again = server.upload(b"once");
    assert_eq!(server.wait_for(&again, "done")["attempt"], 2);
}

#[test]
fn a_worker_is_believed_only_with_a_whole_report() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    for body in [b"liar ".as_slice(), b"empty", b"endless"] {
        let id = server.upload(body);
        server.wait_for(&id, "quarantined");
        assert_eq!(files(data.path()), [format!("blobs/{id}/original")]);
        server.send(&format!("DELETE /v1/calls/{id} HTTP/1.1"), b"");
        wait_until(|| files(data.path()).is_empty());
    }
    let id = server.upload(b"noisy");
    assert_eq!(server.wait_for(&id, "done")["attempt"], 1);
}

#[test]
fn a_worker_has_its_time_and_no_more() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let config =
        jobs::Config { time_limit_min: Duration::from_millis(300), time_limit: 0, ..jobs_config(worker(home.path())) };
    let server = Server::start(data.path(), config, roomy());
    let id = server.upload(b"hang");
    let call = server.wait_for(&id, "failed");
    assert_eq!(call["error"]["code"], "transcriber-timeout");
    let pid = wait_for_file(&home.path().join("pid"));
    assert!(!is_alive(&pid));
}

#[test]
fn progress_is_told_in_audio_time() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let id = server.upload(b"wait");
    wait_for_file(&home.path().join("pid"));
    let begun = Instant::now();
    loop {
        let call = server.state(&id);
        if call["progress"]["total_ms"] == 2000 {
            assert_eq!((&call["state"], &call["progress"]["done_ms"]), (&Value::from("running"), &Value::from(500)));
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{call}");
        thread::sleep(Duration::from_millis(10));
    }
    let pending = server.get(&format!("/v1/calls/{id}/report.html"));
    pending.is_problem(409, "invalid-state");
    assert_eq!(pending.header("retry-after"), Some("2"));
    std::fs::write(home.path().join("go"), "").unwrap();
    server.wait_for(&id, "done");
}

#[test]
fn what_this_machine_lacks_keeps_calls_waiting_and_not_failing() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let id;
    {
        let server = Server::start(data.path(), jobs_config(vec!["/nonexistent/worker".into()]), roomy());
        id = server.upload(b"well");
        let begun = Instant::now();
        while server.state(&id)["error"]["code"] != "internal" {
            assert!(begun.elapsed() < Duration::from_secs(10), "{}", server.state(&id));
            thread::sleep(Duration::from_millis(5));
        }
        let model = server.upload(b"nomodel");
        drop(model);
    }
    let server = Server::usual(data.path(), home.path());
    server.wait_for(&id, "done");
}

#[test]
fn refusals_are_problem_documents() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let other = "0190a3c4-7e6f-7a2b-9c3d-112233445566";

    server.get("/v1/nowhere").is_problem(404, "not-found");
    server.get("/v1/calls/..%2f..%2fetc%2fpasswd").is_problem(404, "not-found");
    server.get(&format!("/v1/calls/{other}")).is_problem(404, "not-found");
    server.get(&format!("/v1/calls/{other}/report.json")).is_problem(404, "not-found");
    server.get(&format!("/v1/calls/{other}/call.json")).is_problem(404, "not-found");
    server.get("/v1/calls/%ff").is_problem(400, "malformed-request");
    let wrong = server.send("DELETE /v1/calls HTTP/1.1", b"");
    wrong.is_problem(405, "method-not-allowed");
    assert!(wrong.header("allow").unwrap().contains("POST"));
    server.get("/v1/calls?secret=1").is_problem(400, "unknown-parameter");
    server.get("/v1/calls?limit=1&limit=2").is_problem(400, "unknown-parameter");
    server.get("/v1/calls?limit=0").is_problem(422, "validation-failed");
    server.get("/v1/calls?state=lost").is_problem(422, "validation-failed");
    server.get("/v1/calls?after=x").is_problem(422, "validation-failed");
    server.get(&format!("/{}", "x".repeat(9_000))).is_problem(414, "uri-too-long");

    let post = |headers: &str, body: &[u8]| {
        server.send(&format!("POST /v1/calls HTTP/1.1\ncontent-length: {}{headers}", body.len()), body)
    };
    let allowed = post("\ncontent-type: application/json", b"{\"marker\":1}").is_problem(415, "unsupported-audio");
    assert!(allowed["allowed"].as_array().unwrap().len() > 2);
    post("", b"").is_problem(422, "audio-empty");
    server.send("POST /v1/calls?roles=boss HTTP/1.1\ncontent-length: 4", b"well").is_problem(422, "validation-failed");
    let multipart = "\ncontent-type: multipart/form-data";
    post(multipart, b"no boundary marker").is_problem(400, "malformed-request");
    for garbage in [b"".as_slice(), b"marker marker", b"--edge\r\nmarker", b"--edge\r\n\r\nmarker\r\n--edge--\r\n"] {
        let response = post(&format!("{multipart}; boundary=edge"), garbage);
        response.is_problem(400, "malformed-request");
        assert!(!response.text().contains("marker"), "{}", response.text());
    }
    for parts in [
        vec![("name", None, b"only a name".as_slice())],
        vec![("file", Some("a"), b"well".as_slice()), ("file", Some("b"), b"well".as_slice())],
        vec![("marker", None, b"well".as_slice())],
    ] {
        let (head, body) = form(&parts);
        server.send(&head, &body).is_problem(400, "malformed-request");
    }
    assert!(server.get("/v1/calls").json()["calls"].as_array().unwrap().is_empty());
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).unwrap().count(), 0);
}

#[test]
fn other_sites_and_other_names_stay_outside() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    server.send("GET /v1/calls HTTP/1.1\nhost: evil.example", b"").is_problem(403, "forbidden");
    server
        .send("POST /v1/calls HTTP/1.1\norigin: http://evil.example\ncontent-length: 4", b"well")
        .is_problem(403, "csrf-failed");
    server
        .send("POST /v1/calls HTTP/1.1\nsec-fetch-site: cross-site\ncontent-length: 4", b"well")
        .is_problem(403, "csrf-failed");
    assert_eq!(server.send("GET /v1/calls HTTP/1.1\nhost: localhost", b"").status, 200);
}

#[test]
fn a_recording_that_is_too_large_is_refused_before_it_is_read_or_where_it_crosses_the_limit() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let config = http::Config { upload_max: 1000, ..roomy() };
    let server = Server::start(data.path(), jobs_config(worker(home.path())), config);
    // Three gigabytes announced and not one byte sent: the answer comes at once.
    let begun = Instant::now();
    let problem = server.send("POST /v1/calls HTTP/1.1\ncontent-length: 3000000000", b"");
    assert_eq!(problem.is_problem(413, "payload-too-large")["limit"], 1000);
    assert!(begun.elapsed() < Duration::from_secs(2));
    // A sender that does not listen first still hears it.
    let begun = Instant::now();
    server
        .send("POST /v1/calls HTTP/1.1\ncontent-length: 3000000000", &vec![b'x'; 200_000])
        .is_problem(413, "payload-too-large");
    assert!(begun.elapsed() < Duration::from_secs(5));

    let mut chunked = Vec::new();
    for _ in 0..20 {
        chunked.extend_from_slice(b"64\r\n");
        chunked.extend_from_slice(&[b'x'; 100]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    server.send("POST /v1/calls HTTP/1.1\ntransfer-encoding: chunked", &chunked).is_problem(413, "payload-too-large");
    let (head, body) = form(&[("file", Some("a"), &[b'x'; 1001])]);
    server.send(&head, &body).is_problem(413, "payload-too-large");
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).unwrap().count(), 0);
    let (head, body) = form(&[("file", Some("a"), b"well within")]);
    assert_eq!(server.send(&head, &body).status, 202);
}

#[test]
fn a_nearly_full_disk_takes_nothing_more() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let config = http::Config { disk_reserve: u64::MAX, ..roomy() };
    let server = Server::start(data.path(), jobs_config(worker(home.path())), config);
    server.send("POST /v1/calls HTTP/1.1\ncontent-length: 4", b"well").is_problem(507, "insufficient-storage");
    assert_eq!(server.get("/v1/calls").status, 200);
}

#[test]
fn slow_senders_are_cut_off() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let config =
        http::Config { head_timeout: Duration::from_millis(300), body_window: Duration::from_millis(300), ..roomy() };
    let server = Server::start(data.path(), jobs_config(worker(home.path())), config);

    // A silent socket, and a head that comes byte by byte.
    let mut silent = connect(server.address);
    let mut dripping = connect(server.address);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(1) {
        let _ = dripping.write_all(b"G");
        thread::sleep(Duration::from_millis(50));
    }
    for socket in [&mut silent, &mut dripping] {
        let mut rest = Vec::new();
        let _ = socket.read_to_end(&mut rest);
        assert!(begun.elapsed() < Duration::from_secs(3), "still open");
    }

    // A body that drips.
    let mut body = connect(server.address);
    write!(body, "POST /v1/calls HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: 50000\r\n\r\n")
        .unwrap();
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(700) {
        let _ = body.write_all(b"x");
        thread::sleep(Duration::from_millis(50));
    }
    answer(body).is_problem(408, "request-timeout");
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).unwrap().count(), 0);
}

#[test]
fn a_sender_who_hangs_up_leaves_nothing() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let mut socket = connect(server.address);
    write!(socket, "POST /v1/calls HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000\r\n\r\n").unwrap();
    socket.write_all(&[b'x'; 100_000]).unwrap();
    let incoming = data.path().join("incoming");
    let begun = Instant::now();
    while std::fs::read_dir(&incoming).unwrap().count() == 0 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
    drop(socket);
    while std::fs::read_dir(&incoming).unwrap().count() > 0 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        thread::sleep(Duration::from_millis(5));
    }
    assert!(server.get("/v1/calls").json()["calls"].as_array().unwrap().is_empty());
}

#[test]
fn many_at_once_are_all_kept() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let address = server.address;
    let senders: Vec<_> = (0..24)
        .map(|n| thread::spawn(move || upload(address, format!("well {}", "x".repeat(n * 10_000)).as_bytes())))
        .collect();
    let mut ids: Vec<String> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    ids.iter().for_each(|id| drop(server.wait_for(id, "done")));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 24);
}

#[test]
fn a_stop_in_good_order_puts_work_back_and_ends_the_workers() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let server = Server::usual(data.path(), home.path());
    let id = server.upload(b"wait");
    let pid = wait_for_file(&home.path().join("pid"));
    let begun = Instant::now();
    drop(server);
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!is_alive(&pid));
    assert_eq!(files(data.path()), [format!("blobs/{id}/original")]);

    std::fs::write(home.path().join("go"), "").unwrap();
    let server = Server::usual(data.path(), home.path());
    assert_eq!(server.wait_for(&id, "done")["attempt"], 2);
}

/// The real program, listening on a port of its own.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    pub(crate) fn start(data: &Path, home: &Path) -> Self {
        Self::begin(data, &worker(home)).ready()
    }

    /// Starts without waiting until it answers.
    pub(crate) fn begin(data: &Path, worker: &[OsString]) -> Starting {
        let child = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_runaround")))
            .args(["serve", "--no-auth", "--listen", "127.0.0.1:0", "--disk-reserve", "0", "--workers", "2"])
            .args(["--retry-after-ms", "50", "--data"])
            .arg(data)
            .arg("--worker-command")
            .args(worker)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Starting { child }
    }

    /// No time for anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Program {
    /// A test that fails leaves nothing running.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program that may not answer yet.
pub(crate) struct Starting {
    pub(crate) child: Child,
}

impl Starting {
    /// Waits until it listens.
    pub(crate) fn ready(mut self) -> Program {
        let mut line = String::new();
        BufReader::new(self.child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).parse().unwrap();
        Program { child: self.child, address }
    }
}

#[test]
fn what_was_acknowledged_survives_a_killed_server() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let mut acknowledged = Vec::new();
    for round in 0..8 {
        let program = Program::start(data.path(), home.path());
        // Another upload is half way when the server dies, and every other call is at work: its worker lives on.
        let mut half = connect(program.address);
        write!(half, "POST /v1/calls HTTP/1.1\r\nhost: localhost\r\ncontent-length: 500000\r\n\r\nxxxx").unwrap();
        acknowledged.push(upload(program.address, if round % 2 == 0 { b"well" } else { b"wait" }));
        program.kill();
    }
    let program = Program::start(data.path(), home.path());
    std::fs::write(home.path().join("go"), "").unwrap();
    for id in &acknowledged {
        let call = wait_for(program.address, id, "done");
        assert_eq!(get(program.address, call["links"]["report_json"].as_str().unwrap()).status, 200);
    }
    let calls = get(program.address, "/v1/calls").json();
    assert_eq!(calls["calls"].as_array().unwrap().len(), acknowledged.len());
    assert_eq!(std::fs::read_dir(data.path().join("incoming")).unwrap().count(), 0);
    program.kill();
}

#[test]
fn the_program_stops_on_sigterm_and_refuses_the_open_network() {
    let (data, home) = (tempfile::tempdir().unwrap(), home());
    let mut program = Program::start(data.path(), home.path());
    let id = upload(program.address, b"hang");
    let pid = wait_for_file(&home.path().join("pid"));
    let begun = Instant::now();
    Command::new("kill").arg(program.child.id().to_string()).status().unwrap();
    assert!(program.child.wait().unwrap().success());
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(!is_alive(&pid), "the worker of {id} outlived its server");

    for (flags, advice) in [
        (["--listen", "0.0.0.0:0"].as_slice(), "--public-url"),
        (&["--listen", "0.0.0.0:0", "--no-auth"], "leave it out, or listen on 127.0.0.1"),
        (&["--listen", "[::]:0", "--no-auth"], "leave it out, or listen on 127.0.0.1"),
        (&["--no-auth", "--public-url", "https://calls.example"], "is for this machine alone"),
        (&["--public-url", "https://calls.example/path"], "without a path"),
    ] {
        let refused = Command::new(env!("CARGO_BIN_EXE_runaround"))
            .args(["serve", "--data"])
            .arg(data.path())
            .args(flags)
            .output()
            .unwrap();
        assert!(!refused.status.success());
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(advice), "{flags:?}: {said}");
    }
}
