//! What happens to every request before and after its handler.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use tracing::info;
use uuid::Uuid;

use super::accept::Paced;
use super::problem::Problem;
use super::{Config, Door};

/// Longest address.
const URI_MAX: usize = 8 * 1024;
/// What surrounds a recording in a multipart body, at most.
const WRAPPING_MAX: u64 = 1024 * 1024;

/// The outermost layer: gives the request an id, writes problems, adds the headers that all answers have, and logs
/// one line with neither address nor content.
pub(super) async fn frame(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let id = Uuid::now_v7().simple().to_string();
    let method = request.method().clone();
    let path = request.uri().path().chars().take(200).collect::<String>();
    let route = request.extensions().get::<MatchedPath>().map_or("none".to_owned(), |route| route.as_str().to_owned());
    let mut response = next.run(request).await;

    // What the framework refuses by itself becomes a problem too.
    let problem = response.extensions_mut().remove::<Problem>().or_else(|| Problem::of_status(response.status()));
    if let Some(problem) = &problem {
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.answer(&id, &path);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    let mut always = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    always(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    always(header::REFERRER_POLICY, "no-referrer");
    always(header::CACHE_CONTROL, "no-store");
    always(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    headers.insert("x-request-id", HeaderValue::from_str(&id).expect("hex digits"));
    info!(
        request = id,
        %method,
        route,
        status = response.status().as_u16(),
        problem = problem.as_ref().map(Problem::slug),
        took_ms = begun.elapsed().as_millis() as u64,
        "request"
    );
    response
}

/// The innermost layer: refuses what no handler should see, and sets the clock of the body.
pub(super) async fn admit(State(door): State<Arc<Door>>, request: Request, next: Next) -> Result<Response, Problem> {
    check(&door.config, &request)?;
    let request = request.map(|body| Paced::wrap(body, &door.config));
    Ok(next.run(request).await)
}

fn check(config: &Config, request: &Request) -> Result<(), Problem> {
    if request.uri().path_and_query().is_some_and(|address| address.as_str().len() > URI_MAX) {
        return Err(
            Problem::new("uri-too-long", "shorten the address; recordings go into the body").with("limit", URI_MAX)
        );
    }
    let headers = request.headers();
    if config.local_names_only && !host(headers).is_some_and(is_local) {
        let detail = "this server answers to this machine only; call it localhost, or see `runaround serve --help`";
        return Err(Problem::new("forbidden", detail));
    }
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if changes && !same_site(headers) {
        let detail = "a page of another site sent this; send it from a program or from this server's own pages";
        return Err(Problem::new("csrf-failed", detail));
    }
    // Said before a byte of the body is read. Bodies that do not state their length are counted as they come.
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|bytes| bytes > config.upload_max.saturating_add(WRAPPING_MAX)) {
        return Err(too_large(config));
    }
    Ok(())
}

/// The recording is larger than allowed.
pub(super) fn too_large(config: &Config) -> Problem {
    let detail = format!("send at most {} bytes, for instance as FLAC or Opus", config.upload_max);
    Problem::new("payload-too-large", detail).with("limit", config.upload_max)
}

/// The host that the request names, without port.
fn host(headers: &HeaderMap) -> Option<&str> {
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let end = host.rfind(':').filter(|&colon| !host[colon..].contains(']'));
    Some(&host[..end.unwrap_or(host.len())])
}

fn is_local(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether a request that changes something was not sent by a browser on behalf of another site. Programs that are
/// no browsers send neither header.
fn same_site(headers: &HeaderMap) -> bool {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => true,
        Some(_) => false,
        None => text(header::ORIGIN).is_none_or(|origin| {
            let named = origin.split_once("://").map(|(_, host)| host);
            named.is_some() && named == text(header::HOST)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        for (host_line, local) in [
            ("localhost:8080", true),
            ("LOCALHOST", true),
            ("127.0.0.1:1", true),
            ("[::1]:8080", true),
            ("[::1]", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:80", false),
            ("192.168.0.7", false),
        ] {
            assert_eq!(host(&headers(&[("host", host_line)])).is_some_and(is_local), local, "{host_line}");
        }
    }

    #[test]
    fn browsers_of_other_sites_change_nothing() {
        let here = ("host", "localhost:8080");
        for (pairs, fine) in [
            (vec![here], true),
            (vec![here, ("origin", "http://localhost:8080")], true),
            (vec![here, ("origin", "http://evil.example")], false),
            (vec![here, ("origin", "null")], false),
            (vec![here, ("sec-fetch-site", "cross-site"), ("origin", "http://localhost:8080")], false),
            (vec![here, ("sec-fetch-site", "same-origin")], true),
        ] {
            assert_eq!(same_site(&headers(&pairs)), fine, "{pairs:?}");
        }
    }
}
