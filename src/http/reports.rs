//! The report of a call in each of its forms.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use crate::jobs::State as CallState;
use crate::report::html::CONTENT_POLICY;

use super::Door;
use super::calls::find;
use super::problem::Problem;

/// Last part of the address, name of the file, content type.
pub(super) const FILES: [(&str, &str, &str); 5] = [
    ("report", "report.json", "application/json"),
    ("report.html", "report.html", "text/html; charset=utf-8"),
    ("report.txt", "report.txt", "text/plain; charset=utf-8"),
    ("report.srt", "report.srt", "application/x-subrip; charset=utf-8"),
    ("report.vtt", "report.vtt", "text/vtt; charset=utf-8"),
];

/// `GET /v1/calls/{id}/report` and `/report.html`, `.txt`, `.srt`, `.vtt`.
pub(super) async fn show(
    State(door): State<Arc<Door>>,
    Path((id, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (_, file, kind) = FILES.into_iter().find(|(address, ..)| *address == name).ok_or_else(Problem::not_found)?;
    let (call, _) = find(&door, &id)?;
    match call.state {
        CallState::Done => {}
        CallState::Queued | CallState::Running => {
            let detail = "the report is not there yet; ask for the call until its state is done";
            return Err(Problem::new("invalid-state", detail).with("state", "pending").with("retry_after", 2));
        }
        CallState::Failed | CallState::Quarantined => {
            let detail = "this call has no report; ask for the call to see why";
            return Err(Problem::new("invalid-state", detail).with("state", "failed"));
        }
    }
    let damaged = |cause: std::io::Error| {
        tracing::error!(call = %call.id, file, %cause, "report cannot be read");
        Problem::new("integrity-mismatch", "the stored report cannot be read; send the recording again")
    };
    let content = File::open(door.jobs.store().report_file(call.id, file)).await.map_err(damaged)?;
    let length = content.metadata().await.map_err(damaged)?.len();
    let mut response = Body::from_stream(ReaderStream::new(content)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if file == "report.html" {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    }
    Ok(response)
}
