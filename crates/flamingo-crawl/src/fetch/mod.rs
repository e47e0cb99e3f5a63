//! Lists of URLs fetched politely into WARC files, which are then read as any other: what a host
//! was asked, what it answered, and why a URL was left out is all in there.
//!
//! Each host is asked one thing at a time and then left alone for a while. Its robots.txt is
//! asked first; opt-out lists and the words of an answer's headers keep content from being
//! stored; redirects are new visits, with the same rules at the host they lead to. What fails for
//! a passing reason is tried a second and last time. Hosts of private networks are not asked.

mod addresses;
mod agent;
mod ask;
mod clock;
mod config;
mod fetcher;
mod names;
mod outcome;
mod record;
mod request;
mod run;
mod schedule;
mod sites;
mod spool;
mod target;
mod turn;
mod visit;

pub use addresses::is_public;
pub use clock::{Clock, SystemClock};
pub use config::FetchConfig;
pub use fetcher::Fetcher;
pub use names::{Lookup, SystemLookup};
pub use outcome::{FetchReport, Outcome};
