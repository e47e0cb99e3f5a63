//! The metrics through their public API.
