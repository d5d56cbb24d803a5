//! Telling other systems, signed and never twice under another name.
