//! Answers of web servers: from WARC files and archives of them, saved pages and lists of URLs.
//!
//! [`list_units`] splits inputs into [`Unit`]s of work in a stable order, and [`Unit::open`] reads one as a
//! stream of [`Item`]s; lists of URLs are first fetched into a WARC by a [`Fetcher`]. Nothing that lies in a file is an error: what cannot be used becomes an
//! [`Item::Skipped`] with a [`Reason`], and whatever is odd about the rest is counted in [`Counts`].

mod answer;
mod base64;
mod compress;
mod counts;
mod error;
mod fetch;
mod har;
mod headers;
mod http;
mod input;
mod lines;
mod mhtml;
mod opt_out;
mod opt_out_list;
mod options;
mod pages;
mod passed_over;
mod read;
mod references;
mod robots;
mod saved_from;
mod source;
mod store;
#[cfg(test)]
mod testing;
mod unit;
mod unread;
mod wacz;
mod warc;
mod zipped;

pub use answer::{Answer, Item, Place, Reason, Redirect, Revisit, Skipped};
pub use compress::gunzip;
pub use counts::{Counts, Fault};
pub use error::{Error, Result};
pub use fetch::{
    Clock, FetchConfig, FetchReport, Fetcher, Lookup, Outcome, SystemClock, SystemLookup, is_public,
};
pub use opt_out::{Directives, Refusal};
pub use opt_out_list::OptOutList;
pub use options::{Digests, ReadOptions};
pub use read::{Items, read_at};
pub use robots::{Robots, RobotsIndex, RobotsTexts};
pub use store::Stores;
pub use unit::{Unit, list_units};
