//! Recordings in, and where they stand.

use std::pin::Pin;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::domain::Role;
use crate::jobs::{Call, CallId, Progress, State as CallState, Upload, free_bytes};

use super::accept::TooSlow;
use super::guard::too_large;
use super::problem::Problem;
use super::{Door, reports};

/// Longest name kept, in characters.
const NAME_MAX: usize = 200;
/// Longest text field of a multipart body, and most parts.
const FIELD_MAX: usize = 64 * 1024;
const PARTS_MAX: usize = 16;
/// Calls in a list, unless asked otherwise and at most.
const LIST: usize = 100;
const LIST_MAX: usize = 1000;
/// Room on the disk is looked at again after so many bytes.
const DISK_CHECK: u64 = 64 << 20;

/// `POST /v1/calls`: a multipart body with a `file`, or the recording itself. Answers 202 once the call is on stable
/// storage.
pub(super) async fn upload(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Problem> {
    let [name, roles] = parameters(&request, ["name", "roles"])?;
    let roles = roles.map(|roles| check_roles(&roles)).transpose()?;
    let headers = request.headers().clone();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let declared = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    check_disk(&door, declared.unwrap_or(0))?;
    let form = kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("multipart/form-data");
    let received = if form {
        multipart(&door, request, name, roles).await?
    } else {
        check_kind(kind)?;
        let name = name.or_else(|| name_in_header(&headers));
        let upload = receive(&door, &mut Source::Raw(request.into_body())).await?;
        Received { upload, name, roles }
    };
    if received.upload.bytes() == 0 {
        return Err(Problem::new("audio-empty", "the recording holds no bytes; check that the recorder wrote it"));
    }
    let name = received.name.as_deref().map(clean_name).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "recording".to_owned());
    let call = door.jobs.accept(received.upload, name, received.roles).await.map_err(|cause| storage(&cause))?;
    let location = format!("/v1/calls/{}", call.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(describe(&call, None))).into_response())
}

/// `GET /v1/calls`: newest first, `limit` at a time, `before` the id of the last one seen.
pub(super) async fn list(State(door): State<Arc<Door>>, request: Request) -> Result<Response, Problem> {
    let [limit, before, state] = parameters(&request, ["limit", "before", "state"])?;
    let invalid = |what: &str| Problem::new("validation-failed", what);
    let limit = match limit {
        None => LIST,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=LIST_MAX).contains(limit))
            .ok_or_else(|| invalid("`limit` is a number from 1 to 1000").with("limit", LIST_MAX))?,
    };
    let before = before.map(|id| id.parse().map_err(|()| invalid("`before` is the id of a call"))).transpose()?;
    let state = state
        .map(|state| {
            serde_json::from_value::<CallState>(Value::String(state))
                .map_err(|_| invalid("`state` is queued, running, done, failed or quarantined"))
        })
        .transpose()?;
    let calls = door.jobs.list(limit, before, state);
    let more = calls.last().filter(|_| calls.len() == limit).map(|(call, _)| call.id.to_string());
    let shown: Vec<Value> = calls.iter().map(|(call, progress)| describe(call, *progress)).collect();
    Ok(Json(json!({ "calls": shown, "before": more })).into_response())
}

/// `GET /v1/calls/{id}`.
pub(super) async fn show(State(door): State<Arc<Door>>, Path(id): Path<String>) -> Result<Response, Problem> {
    let (call, progress) = find(&door, &id)?;
    Ok(Json(describe(&call, progress)).into_response())
}

/// The call that the address names.
pub(super) fn find(door: &Door, id: &str) -> Result<(Call, Option<Progress>), Problem> {
    let id: CallId = id.parse().map_err(|()| Problem::not_found())?;
    door.jobs.get(id).ok_or_else(Problem::not_found)
}

/// A call as the API shows it.
fn describe(call: &Call, progress: Option<Progress>) -> Value {
    let base = format!("/v1/calls/{}", call.id);
    let mut links = json!({ "self": base });
    if call.state == CallState::Done {
        for (name, _, _) in reports::FILES {
            links[name.replace('.', "_")] = json!(format!("{base}/{name}"));
        }
    }
    let mut shown = json!({
        "id": call.id,
        "state": call.state,
        "name": call.name,
        "bytes": call.bytes,
        "sha256": call.sha256,
        "received_at": call.received_at,
        "attempt": call.attempt,
        "links": links,
    });
    if let Some(roles) = &call.roles {
        shown["roles"] = json!(roles);
    }
    if let Some(ended) = &call.ended_at {
        shown["ended_at"] = json!(ended);
    }
    if let Some(progress) = progress {
        shown["progress"] = json!(progress);
    }
    if let Some(failure) = &call.error {
        let mut error = Problem::from(failure).to_json();
        error["instance"] = json!(base);
        shown["error"] = error;
    }
    shown
}

/// What a request brought.
struct Received {
    upload: Upload,
    name: Option<String>,
    roles: Option<String>,
}

/// Where the bytes of a recording come from.
enum Source<'a> {
    Raw(Body),
    Field(Box<Field<'a>>),
}

impl Source<'_> {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Problem> {
        match self {
            Source::Field(field) => field.chunk().await.map_err(|cause| broken(&cause)),
            Source::Raw(body) => loop {
                match std::future::poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
                    None => return Ok(None),
                    Some(Err(cause)) => return Err(broken(&cause)),
                    // Trailers are nobody's recording.
                    Some(Ok(frame)) => {
                        if let Ok(data) = frame.into_data() {
                            return Ok(Some(data));
                        }
                    }
                }
            },
        }
    }
}

/// Writes a recording to the store while it comes in, within the limits.
async fn receive(door: &Door, source: &mut Source<'_>) -> Result<Upload, Problem> {
    let mut upload = door.jobs.receive().await.map_err(|cause| storage(&cause))?;
    let mut checked = 0;
    while let Some(chunk) = source.chunk().await? {
        if upload.bytes() + chunk.len() as u64 > door.config.upload_max {
            return Err(too_large(&door.config));
        }
        upload.write(&chunk).await.map_err(|cause| storage(&cause))?;
        if upload.bytes() - checked >= DISK_CHECK {
            checked = upload.bytes();
            check_disk(door, 0)?;
        }
    }
    Ok(upload)
}

/// Reads the parts of a form: one `file`, and perhaps `name` and `roles`, in any order.
async fn multipart(
    door: &Door,
    request: Request,
    mut name: Option<String>,
    mut roles: Option<String>,
) -> Result<Received, Problem> {
    let malformed = |detail: &str| Problem::new("malformed-request", detail);
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed("the content type of a form names its `boundary`; let your client write it"))?;
    let mut upload = None;
    let mut file_name = None;
    let mut count = 0;
    while let Some(field) = parts.next_field().await.map_err(|cause| broken(&cause))? {
        count += 1;
        if count > PARTS_MAX {
            return Err(malformed("send at most 16 parts").with("limit", PARTS_MAX));
        }
        match field.name() {
            Some("file") if upload.is_none() => {
                file_name = field.file_name().map(str::to_owned);
                upload = Some(receive(door, &mut Source::Field(Box::new(field))).await?);
            }
            Some("name") if name.is_none() => name = Some(text(field).await?),
            Some("roles") if roles.is_none() => roles = Some(check_roles(&text(field).await?)?),
            _ => return Err(malformed("a form has one `file` and perhaps `name` and `roles`, each once")),
        }
    }
    let upload = upload.ok_or_else(|| malformed("put the recording into a part called `file`"))?;
    Ok(Received { upload, name: name.or(file_name), roles })
}

/// A short text of a form.
async fn text(mut field: Field<'_>) -> Result<String, Problem> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|cause| broken(&cause))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > FIELD_MAX {
            return Err(Problem::new("malformed-request", "a text part is too long").with("limit", FIELD_MAX));
        }
    }
    String::from_utf8(bytes).map_err(|_| Problem::new("malformed-request", "text parts are UTF-8"))
}

/// The values of the known query parameters, in their order; unknown and repeated ones are refused.
fn parameters<const N: usize>(request: &Request, known: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let unknown = || {
        let detail = format!("this address knows the parameters {}, each once", known.join(", "));
        Problem::new("unknown-parameter", detail).with("allowed", known.to_vec())
    };
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(request.uri())
        .map_err(|_| Problem::new("malformed-request", "the query is not percent-encoded UTF-8"))?;
    let mut values = [const { None }; N];
    for (name, value) in pairs {
        let at = known.iter().position(|known| *known == name).ok_or_else(unknown)?;
        if values[at].replace(value).is_some() {
            return Err(unknown());
        }
    }
    Ok(values)
}

/// Roles by channel, as the worker takes them: `caller,agent`.
fn check_roles(text: &str) -> Result<String, Problem> {
    let known = [Role::Caller, Role::Agent, Role::Ivr, Role::Mixed];
    let roles: Vec<&str> = text.split(',').map(str::trim).collect();
    let fits =
        (1..=8).contains(&roles.len()) && roles.iter().all(|role| known.iter().any(|known| known.as_str() == *role));
    if fits {
        Ok(roles.join(","))
    } else {
        let detail = "`roles` names who speaks on each channel in order, for instance caller,agent";
        Err(Problem::new("validation-failed", detail).with("allowed", known.map(Role::as_str).to_vec()))
    }
}

/// A recording comes as audio, as video, or as plain bytes; what it really is, its content says later.
fn check_kind(kind: &str) -> Result<(), Problem> {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let fits = kind.is_empty()
        || kind.starts_with("audio/")
        || kind.starts_with("video/")
        || matches!(kind.as_str(), "application/octet-stream" | "application/ogg");
    if fits {
        Ok(())
    } else {
        let allowed = ["multipart/form-data", "audio/*", "video/*", "application/octet-stream"];
        let detail = "send the recording itself, or a form with a part called `file`";
        Err(Problem::new("unsupported-audio", detail).with("allowed", allowed.to_vec()))
    }
}

/// `filename` of a content disposition.
fn name_in_header(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_DISPOSITION)?.to_str().ok()?;
    let (_, rest) = text.split_once("filename=")?;
    let name = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split(';').next(),
    };
    name.map(str::to_owned)
}

/// A file name for people: no folders, nothing that could move a cursor, not endless. It never becomes a path.
fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let shown: String = last.chars().map(|c| if c.is_control() { ' ' } else { c }).take(NAME_MAX).collect();
    shown.trim().to_owned()
}

/// Refuses what would leave too little room on the disk.
fn check_disk(door: &Door, coming: u64) -> Result<(), Problem> {
    let free = free_bytes(door.jobs.store().root()).map_err(|cause| storage(&cause))?;
    if free.saturating_sub(coming) < door.config.disk_reserve {
        return Err(disk_full());
    }
    Ok(())
}

fn disk_full() -> Problem {
    Problem::new("insufficient-storage", "the server's disk is nearly full; make room and send it again")
}

fn storage(cause: &std::io::Error) -> Problem {
    tracing::error!(%cause, "cannot store a recording");
    if cause.kind() == std::io::ErrorKind::StorageFull {
        return disk_full();
    }
    Problem::new("storage-unavailable", "the recording may not have been kept; send it again later")
        .with("retry_after", 30)
}

/// A body that ended early, came too slowly, or is no form.
fn broken(cause: &(dyn std::error::Error + 'static)) -> Problem {
    let mut inner = Some(cause);
    while let Some(error) = inner {
        if error.is::<TooSlow>() {
            return Problem::new("request-timeout", "send faster: at least 1 KiB a second");
        }
        inner = error.source();
    }
    let form = cause.is::<MultipartError>();
    let what = if form { "the form is broken or ended early" } else { "the body ended early" };
    Problem::new("malformed-request", format!("{what}; send it again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_folders_and_control_characters() {
        assert_eq!(clean_name("../../etc/pass\u{1b}wd"), "pass wd");
        assert_eq!(clean_name("C:\\calls\\a b.wav"), "a b.wav");
        assert_eq!(clean_name("x".repeat(500).as_str()).len(), NAME_MAX);
        assert_eq!(clean_name("a/"), "");
    }

    #[test]
    fn roles_are_the_words_of_the_product() {
        assert_eq!(check_roles(" caller , agent").unwrap(), "caller,agent");
        for wrong in ["", "customer", "caller,,agent", "caller,agent,ivr,mixed,caller,agent,ivr,mixed,caller"] {
            assert_eq!(check_roles(wrong).unwrap_err().slug(), "validation-failed", "{wrong}");
        }
    }

    #[test]
    fn a_recording_is_sent_as_sound_or_bytes() {
        for (kind, fits) in [
            ("", true),
            ("audio/x-wav", true),
            ("Audio/MPEG; q=1", true),
            ("application/octet-stream", true),
            ("application/json", false),
            ("text/plain", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            assert_eq!(check_kind(kind).is_ok(), fits, "{kind}");
        }
    }
}
