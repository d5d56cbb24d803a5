//! The HTTP door: recordings in, reports out.
//!
//! [`serve`] answers on a listening socket until asked to stop. [`accept`] keeps the connections and their clocks,
//! [`guard`] looks at every request before anything else does, [`upload`] takes recordings in, [`list`] tells where they
//! stand and [`events`] when that changes, [`reports`] gives the results, and every refusal is a [`problem`].

mod accept;
mod audio;
mod calls;
mod events;
mod guard;
mod list;
mod problem;
mod reports;
mod transcriptions;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, middleware};
use serde_json::json;
use tokio::net::TcpListener;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::info;
use utoipa_axum::router::OpenApiRouter;

use crate::jobs::Jobs;
use crate::store::Store;

pub use problem::Problem;

/// What the door lets through.
#[derive(Clone, Debug)]
pub struct Config {
    /// Largest recording, in bytes.
    pub upload_max: u64,
    /// Bytes that stay free on the disk of the data folder.
    pub disk_reserve: u64,
    /// Time for the head of a request.
    pub head_timeout: Duration,
    /// A body must bring [`body_floor`](Self::body_floor) bytes in each stretch of this length.
    pub body_window: Duration,
    /// See [`body_window`](Self::body_window).
    pub body_floor: u64,
    /// Connections at once; more wait.
    pub connections_max: usize,
    /// Time for running requests when asked to stop.
    pub farewell: Duration,
    /// Whether requests must name this machine as their host. On while only this machine can connect: otherwise any
    /// web page could reach us through the browser of somebody who sits here.
    pub local_names_only: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            upload_max: 2 << 30,
            disk_reserve: 1 << 30,
            head_timeout: Duration::from_secs(10),
            body_window: Duration::from_secs(30),
            body_floor: 30 * 1024,
            connections_max: 1024,
            farewell: Duration::from_secs(5),
            local_names_only: true,
        }
    }
}

/// Why the server ended.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be trusted any more; a restart recovers it.
    #[error("{0}")]
    Storage(String),
}

/// What handlers share.
struct Door {
    store: Store,
    jobs: Jobs,
    config: Config,
}

/// Serves until `shutdown` resolves: then takes no new connections, ends the workers, lets running requests finish,
/// and returns within ten seconds.
///
/// # Errors
/// If the storage failed; everything acknowledged is still there after a restart.
pub async fn serve(
    listener: TcpListener,
    jobs: Jobs,
    config: Config,
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let door = Arc::new(Door { store: jobs.store().clone(), jobs: jobs.clone(), config: config.clone() });
    let (stop, stopping) = tokio::sync::watch::channel(false);
    let accepting = tokio::spawn(accept::run(listener, router(door), config, stopping));
    let broken = tokio::select! {
        () = shutdown => None,
        reason = jobs.broken() => Some(reason),
    };
    info!("stopping");
    stop.send_replace(true);
    let (_, ended) = tokio::join!(jobs.stop(), accepting);
    ended.expect("the accept loop does not panic");
    broken.map_or(Ok(()), |reason| Err(Error::Storage(reason)))
}

fn router(door: Arc<Door>) -> Router {
    let (api, _document) = api().split_for_parts();
    api.route("/healthz", get(health))
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::new("method-not-allowed", "use one of the methods in the header `allow`")
        })
        // Uploads count their own bytes while they write them.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn_with_state(door.clone(), guard::admit))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        .layer(middleware::from_fn(guard::frame))
        .with_state(door)
}

/// Every operation, and with it its description. One line per noun.
fn api() -> OpenApiRouter<Arc<Door>> {
    OpenApiRouter::new()
        .merge(audio::routes())
        .merge(calls::routes())
        .merge(events::routes())
        .merge(list::routes())
        .merge(reports::routes())
        .merge(transcriptions::routes())
        .merge(upload::routes())
}

async fn health(State(door): State<Arc<Door>>) -> Result<Response, Problem> {
    let (queued, running) = door.jobs.load().await?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Json(json!({ "status": "ok", "version": version, "queued": queued, "running": running })).into_response())
}
