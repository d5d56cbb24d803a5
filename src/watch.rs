//! Recordings that another program writes into a folder, taken in once each.
