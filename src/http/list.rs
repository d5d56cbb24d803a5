//! Calls, newest first, and one of them.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Actor;
use crate::jobs::State as CallState;

use super::Door;
use super::calls::{Shown, find};
use super::problem::Problem;
use super::upload::parameters;

/// Calls in a list, unless asked otherwise and at most.
const LIST: usize = 100;
const LIST_MAX: usize = 1000;

/// What this file answers.
pub(super) fn routes() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Newest first, `limit` at a time, `before` the id of the last one seen.
#[utoipa::path(get, path = "/v1/calls", tag = "calls", responses((status = 200, description = "Calls")))]
pub(super) async fn list(
    State(door): State<Arc<Door>>,
    Extension(actor): Extension<Actor>,
    request: Request,
) -> Result<Response, Problem> {
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
    let known = |word: String| {
        CallState::parse(&word).ok_or_else(|| invalid("`state` is queued, running, done, failed or quarantined"))
    };
    let state = state.map(known).transpose()?;
    let calls = door.store.newest_calls(&actor, limit, before, state).await?;
    let more = calls.last().filter(|_| calls.len() == limit).map(|call| call.id.to_string());
    let shown: Vec<Shown> = calls.iter().map(|call| Shown::of(call, door.jobs.progress(call.id))).collect();
    Ok(Json(json!({ "calls": shown, "before": more })).into_response())
}

/// One call.
#[utoipa::path(get, path = "/v1/calls/{id}", tag = "calls", params(("id" = String, Path)), responses((status = 200, description = "The call", body = Shown)))]
pub(super) async fn show(
    State(door): State<Arc<Door>>,
    Extension(actor): Extension<Actor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let call = find(&door, &actor, &id).await?;
    let progress = door.jobs.progress(call.id);
    Ok(Json(Shown::of(&call, progress)).into_response())
}
