//! The bare TCP door: AudioSocket has no addresses and no headers, only frames.
//!
//! Whoever reaches the port can send, so it belongs on a network of telephone systems. A socket must say within five
//! seconds which call it is for.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::feed::Feed;
use super::protocol::Wire;
use super::protocol::audiosocket::{AudioSocket, frame, kind};
use super::switchboard::Switchboard;

/// Time for the name of the call.
const NAME_TIMEOUT: Duration = Duration::from_secs(5);

/// A socket that says nothing for so long is dead: Asterisk sends fifty frames a second.
const IDLE: Duration = Duration::from_secs(30);

/// Takes calls until the switchboard stops.
pub async fn run(listener: TcpListener, board: Switchboard) {
    let mut sockets = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = board.stopping() => break,
        };
        while sockets.try_join_next().is_some() {}
        match accepted {
            Ok((socket, _)) => {
                // A pair has two sockets; more than that is a mistake or an attack.
                if sockets.len() > 2 * board.capacity() + 16 {
                    warn!("too many AudioSocket connections");
                    continue;
                }
                sockets.spawn(serve(socket, board.clone()));
            }
            Err(cause) => {
                warn!(%cause, "cannot accept an AudioSocket connection");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(mut socket: TcpStream, board: Switchboard) {
    let mut talk = Talk { board: board.clone(), parser: AudioSocket::default(), pair: None, feed: None };
    let done = tokio::select! {
        done = talk.listen(&mut socket) => done,
        () = board.stopping() => Ok(()),
    };
    if let (Some(pair), Some(_)) = (talk.pair, &talk.feed) {
        board.end_side(pair);
    }
    match done {
        Ok(()) => debug!("AudioSocket closed"),
        Err(why) => {
            info!(why, "AudioSocket refused");
            // The peer may be gone already.
            let _ = socket.write_all(&frame(kind::ERROR, &[1])).await;
        }
    }
}

struct Talk {
    board: Switchboard,
    parser: AudioSocket,
    pair: Option<Uuid>,
    feed: Option<Feed>,
}

impl Talk {
    async fn listen(&mut self, socket: &mut TcpStream) -> Result<(), String> {
        let mut buffer = vec![0; 16 * 1024];
        let mut wires = Vec::new();
        loop {
            let patience = if self.pair.is_none() { NAME_TIMEOUT } else { IDLE };
            let read = timeout(patience, socket.read(&mut buffer)).await.map_err(|_| "nothing came".to_owned())?;
            let n = match read {
                Ok(0) | Err(_) => return Ok(()),
                Ok(n) => n,
            };
            let taken = self.parser.take(&buffer[..n], &mut wires);
            for wire in wires.drain(..) {
                if !self.take(wire)? {
                    return Ok(());
                }
            }
            taken.map_err(|error| error.to_string())?;
        }
    }

    /// False when the call is over.
    fn take(&mut self, wire: Wire) -> Result<bool, String> {
        match (wire, self.pair) {
            (Wire::Pair(pair), _) => self.pair = Some(pair),
            (Wire::Begin(hello), Some(pair)) => {
                let feed = self.board.begin_side(pair, "audiosocket", hello).map_err(|refused| refused.to_string())?;
                self.feed = Some(feed);
            }
            (wire, _) => {
                if let Some(feed) = &mut self.feed {
                    return Ok(feed.take(wire));
                }
                return Ok(wire != Wire::End);
            }
        }
        Ok(true)
    }
}
