//! The pages. `web/dist` is built into the binary; every path that is not the API's is a page of the app, and the app
//! finds out which.

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use memory_serve::CacheControl;

use super::Problem;

/// Nothing is loaded from elsewhere, nothing runs that is not a file of ours, and nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; \
                      base-uri 'none'; form-action 'self'";

/// The first segments that belong to programs: what is unknown there is a problem and never a page.
const MACHINES: [&str; 5] = ["v1", "healthz", "livez", "readyz", "metrics"];

/// Answers everything that no other route did. To be used as the fallback service, once.
pub(super) fn pages() -> Router {
    memory_serve::load!()
        .index_file(Some("/index.html"))
        .fallback(Some("/index.html"))
        .fallback_status(StatusCode::OK)
        // The index names the assets of its own build; an old one would name files that are gone.
        .html_cache_control(CacheControl::NoCache)
        .cache_control(CacheControl::NoCache)
        .into_router()
        .layer(middleware::from_fn(dress))
}

/// Refuses what is no page, and gives every page its policy.
async fn dress(request: Request, next: Next) -> Result<Response, Problem> {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    if !read || MACHINES.contains(&first) {
        return Err(Problem::not_found());
    }
    let mut response = next.run(request).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if first == "assets" && !rest.is_empty() {
        if is_page {
            // A page in the place of a script would be kept by the browser as that script.
            return Err(Problem::not_found());
        }
        // The name of an asset holds the hash of its content.
        let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
        response.headers_mut().insert(header::CACHE_CONTROL, forever);
    }
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use tower::ServiceExt;

    use super::*;

    async fn get(path: &str) -> (StatusCode, axum::http::HeaderMap, String) {
        ask(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn ask(request: Request) -> (StatusCode, axum::http::HeaderMap, String) {
        let response = pages().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, 4 << 20).await.unwrap();
        (head.status, head.headers, String::from_utf8_lossy(&body).into_owned())
    }

    /// The script that the index names.
    fn script(index: &str) -> String {
        let from = index.find("/assets/").expect("the index names its script");
        index[from..].split('"').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn every_page_is_the_app_under_a_strict_policy() {
        for path in ["/", "/calls/018f3c8e-0000-7000-8000-000000000000", "/settings/playbooks", "/login?to=%2F"] {
            let (status, headers, body) = get(path).await;
            assert_eq!(status, StatusCode::OK, "{path}");
            assert!(body.contains("<div id=\"app\">"), "{path}");
            assert_eq!(headers[header::CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
            // The policy forbids both; the page must not need them.
            assert!(!body.contains("style=") && !body.contains("<style"));
            assert!(body.matches("<script").count() == body.matches("src=\"/assets/").count());
        }
    }

    #[tokio::test]
    async fn assets_are_kept_for_good_and_known_again() {
        let (_, _, index) = get("/").await;
        let (status, headers, body) = get(&script(&index)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(!body.is_empty());
        assert_eq!(headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
        let tag = headers[header::ETAG].clone();
        let again = Request::get(script(&index)).header(header::IF_NONE_MATCH, tag).body(Body::empty()).unwrap();
        assert_eq!(ask(again).await.0, StatusCode::NOT_MODIFIED);
    }

    #[tokio::test]
    async fn what_is_no_page_is_not_found() {
        for path in ["/v1/nothing", "/metrics/x", "/assets/gone-0123.js", "/healthz/x"] {
            let (status, _, body) = get(path).await;
            assert_ne!(status, StatusCode::OK, "{path}");
            assert!(!body.contains("id=\"app\""), "{path}");
        }
        let posted = Request::post("/calls").body(Body::empty()).unwrap();
        assert_ne!(ask(posted).await.0, StatusCode::OK);
    }
}
