//! Every setting of the server: file, environment and flags become one checked whole.
