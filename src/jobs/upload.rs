//! A recording on its way in: written and hashed as it arrives, swept away unless it becomes a call.

use std::io;

use sha2::{Digest, Sha256};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncWriteExt, BufWriter};

use super::blocking;
use super::call::{Call, CallId};
use super::store::{self, Store};

/// Bytes collected before they go to the disk.
const BUFFER: usize = 256 * 1024;

/// A recording that is being received. Dropped without [`finish`](Self::finish), it leaves nothing behind.
pub struct Upload {
    id: CallId,
    store: Store,
    file: Option<BufWriter<File>>,
    hash: Sha256,
    bytes: u64,
    accepted: bool,
}

impl Upload {
    pub(super) async fn begin(store: Store) -> io::Result<Self> {
        let id = CallId::generate();
        let folder = store.make_incoming(id).await?;
        let mut upload = Self { id, store, file: None, hash: Sha256::new(), bytes: 0, accepted: false };
        let mut options = OpenOptions::new();
        options.create_new(true).write(true);
        #[cfg(unix)]
        options.mode(0o600);
        upload.file = Some(BufWriter::with_capacity(BUFFER, options.open(folder.join("audio")).await?));
        Ok(upload)
    }

    /// Bytes received so far.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes in the next bytes.
    ///
    /// # Errors
    /// What the file system says.
    pub async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.hash.update(chunk);
        self.bytes += chunk.len() as u64;
        self.file.as_mut().expect("open until finished").write_all(chunk).await
    }

    /// Recording, record and folder onto stable storage, in this order.
    pub(super) async fn finish(mut self, name: String, roles: Option<String>) -> io::Result<Call> {
        let mut file = self.file.take().expect("finished once");
        file.flush().await?;
        file.into_inner().sync_all().await?;
        let sha256 = std::mem::take(&mut self.hash).finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let call = store::fresh(self.id, name, roles, self.bytes, sha256);
        let (store, copy) = (self.store.clone(), call.clone());
        blocking(move || store.admit(&copy)).await?;
        self.accepted = true;
        Ok(call)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.accepted {
            self.store.discard(self.id);
        }
    }
}
