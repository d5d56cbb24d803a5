//! Whether the store answers, and how much lies in it.

use std::time::Duration;

use super::{Result, Store};

/// A database that takes longer to say nothing is not well.
const PATIENCE: Duration = Duration::from_secs(2);

impl Store {
    /// Whether the database answers soon.
    pub async fn answers(&self) -> bool {
        let asked = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM setting").fetch_one(self.readers());
        matches!(tokio::time::timeout(PATIENCE, asked).await, Ok(Ok(_)))
    }

    /// Calls by the state of their work.
    ///
    /// # Errors
    /// What the database says.
    pub async fn calls_by_state(&self) -> Result<Vec<(String, i64)>> {
        let counts = sqlx::query_as("SELECT state, count(*) FROM call GROUP BY state ORDER BY state");
        Ok(counts.fetch_all(self.readers()).await?)
    }
}
