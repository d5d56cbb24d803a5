//! Connections and their clocks.
//!
//! The loop of the framework sets no timer: a silent socket, or one byte every few seconds, would hold a connection
//! for ever. Here the head of a request has a limit, a body must keep coming, and there are only so many at once.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep, sleep};
use tracing::{debug, warn};

use super::Config;

/// Room for the head of a request.
const HEAD_MAX: usize = 64 * 1024;

/// Accepts until `stopping` is true, then lets running requests finish for a while.
pub(super) async fn run(listener: TcpListener, router: Router, config: Config, mut stopping: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    let slots = Arc::new(Semaphore::new(config.connections_max));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(config.head_timeout).max_buf_size(HEAD_MAX);
    loop {
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot.expect("never closed"),
            () = asked(&mut stopping) => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = asked(&mut stopping) => break,
        };
        while connections.try_join_next().is_some() {}
        let socket = match accepted {
            Ok((socket, _)) => socket,
            Err(cause) => {
                // Out of file descriptors, most likely: what is open must close first.
                warn!(%cause, "cannot accept a connection");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let connection = http.serve_connection(TokioIo::new(socket), service);
        let mut stopping = stopping.clone();
        connections.spawn(async move {
            let mut connection = std::pin::pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => ended,
                () = asked(&mut stopping) => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            };
            if let Err(cause) = ended {
                debug!(%cause, "connection ended early");
            }
            drop(slot);
        });
    }
    drop(listener);
    let farewell = async { while connections.join_next().await.is_some() {} };
    // What is still open after that is dropped with the set.
    let _ = tokio::time::timeout(config.farewell, farewell).await;
}

/// Resolves when somebody asked to stop, or nobody is left to ask.
async fn asked(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|asked| *asked).await;
}

/// The sender stopped sending.
#[derive(Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub(super) struct TooSlow;

/// A body that must bring `floor` bytes in every stretch of `window`, or ends in [`TooSlow`]. Only the time that
/// somebody waits for it counts.
pub(super) struct Paced {
    body: Body,
    window: Duration,
    floor: u64,
    end: Option<Pin<Box<Sleep>>>,
    seen: u64,
}

impl Paced {
    pub(super) fn wrap(body: Body, config: &Config) -> Body {
        Body::new(Self { body, window: config.body_window, floor: config.body_floor, end: None, seen: 0 })
    }
}

impl HttpBody for Paced {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) {
            if let Some(Ok(frame)) = &frame {
                this.seen += frame.data_ref().map_or(0, |data| data.len() as u64);
                if this.seen >= this.floor {
                    this.seen = 0;
                    this.end = None;
                }
            }
            return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
        }
        let window = this.window;
        let end = this.end.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + window)));
        match end.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Some(Err(TooSlow.into()))),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
