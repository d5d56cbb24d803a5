//! Two thousand connections that do next to nothing, and everybody else is served.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use crate::access::{House, ask, bearer};

const HEADS: usize = 700;
const BODIES: usize = 700;
const READS: usize = 600;

/// Whether the other end has closed it, and what it said before.
fn ended(socket: &mut TcpStream) -> Option<String> {
    let mut said = Vec::new();
    let mut part = [0; 4096];
    loop {
        match socket.read(&mut part) {
            Ok(0) => return Some(String::from_utf8_lossy(&said).into_owned()),
            Ok(n) => said.extend_from_slice(&part[..n]),
            Err(cause) if cause.kind() == ErrorKind::WouldBlock => return None,
            Err(_) => return Some(String::from_utf8_lossy(&said).into_owned()),
        }
    }
}

#[test]
fn two_thousand_slow_connections_do_not_keep_others_out() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    let house = House::open(&["--workers", "1", "--requests-per-second", "100000"]);
    let admin = house.admin();
    let (_, key) = house.key(&admin, json!({ "name": "slow", "scopes": ["calls:read", "calls:write"] }));
    let address = house.address;
    let open = |first: &str| {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.write_all(first.as_bytes()).unwrap();
        socket.set_nonblocking(true).unwrap();
        socket
    };
    let begun = Instant::now();
    let common = format!("host: {address}\r\nauthorization: Bearer {key}\r\n");
    let mut heads: Vec<_> = (0..HEADS).map(|_| open("GET /livez HTTP/1.1\r\nx-slow: ")).collect();
    let body =
        format!("POST /v1/calls HTTP/1.1\r\n{common}content-type: audio/wav\r\ncontent-length: 1000000\r\n\r\nRIFF");
    let mut bodies: Vec<_> = (0..BODIES).map(|_| open(&body)).collect();
    // Answers that nobody reads.
    let reads = format!("GET /v1/session HTTP/1.1\r\n{common}\r\n").repeat(10);
    let unread: Vec<_> = (0..READS).map(|_| open(&reads)).collect();
    let opened = begun.elapsed();

    let mut took = Vec::new();
    let mut dripped = Instant::now();
    let mut uploaded = false;
    while begun.elapsed() < Duration::from_secs(36) {
        if dripped.elapsed() > Duration::from_secs(3) {
            dripped = Instant::now();
            for socket in heads.iter_mut().chain(&mut bodies) {
                let _ = socket.write(b"x");
            }
        }
        let asked = Instant::now();
        let answer = ask(address, "GET", "/livez", &[], None);
        took.push(asked.elapsed());
        assert_eq!(answer.status, 200);
        if !uploaded && begun.elapsed() > Duration::from_secs(8) {
            uploaded = true;
            let mut headers = bearer(&key);
            headers.push(("content-disposition", "attachment; filename=\"call.wav\"".into()));
            // What it holds matters later, in the worker.
            let answer = ask(address, "POST", "/v1/calls?name=call.wav", &headers, Some(&json!("some sound")));
            assert!([202, 415].contains(&answer.status), "{} {}", answer.status, answer.text());
        }
        thread::sleep(Duration::from_millis(40));
    }
    took.sort();
    let p99 = took[took.len() * 99 / 100];
    assert!(
        took.len() > 300 && p99 <= Duration::from_millis(200),
        "p99 {p99:?} of {} (opened in {opened:?})",
        took.len()
    );

    // Heads end after 10 s, bodies that drip get 408 after 30.
    let open_heads = heads.iter_mut().filter_map(|socket| ended(socket).is_none().then_some(())).count();
    assert_eq!(open_heads, 0, "heads that are still open");
    let (mut told, waited) = (0, Instant::now());
    while !bodies.is_empty() && waited.elapsed() < Duration::from_secs(30) {
        bodies.retain_mut(|socket| {
            let said = ended(socket);
            told += usize::from(said.as_ref().is_some_and(|said| said.starts_with("HTTP/1.1 408")));
            said.is_none()
        });
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(told, BODIES, "bodies that were told why");
    drop(unread);
    // What came half way left nothing.
    let incoming = house.data.path().join("incoming");
    let left = || std::fs::read_dir(&incoming).map_or(0, Iterator::count);
    let waited = Instant::now();
    while left() > 0 && waited.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(left(), 0);
}
