//! The crate as others use it.

mod fetch;
mod server;
