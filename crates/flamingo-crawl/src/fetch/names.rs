//! A cache of host names: each is looked up once however many threads ask for it, and what was
//! found, or not found, is kept for a while.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::addresses::is_public;

/// Names that are kept; beyond, the cache starts anew, which costs one lookup a host.
const MAX_NAMES: usize = 100_000;
/// What a request takes of a host's addresses.
const MAX_ADDRESSES: usize = 16;

/// Turns a host name into addresses.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of `host`.
    ///
    /// # Errors
    ///
    /// Where the name does not exist, or no server answers.
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok((host, 0)
            .to_socket_addrs()?
            .map(|address| address.ip())
            .collect())
    }
}

/// How long things are kept, and which addresses may be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct NameRules {
    pub(super) found_for: Duration,
    pub(super) not_found_for: Duration,
    pub(super) allow_private: bool,
}

/// A host may not be asked: all of its addresses lie in a private network.
#[derive(Debug, thiserror::Error)]
#[error("the host's addresses are not public")]
pub(super) struct PrivateAddress;

/// The cache.
pub(super) struct Names {
    lookup: Arc<dyn Lookup>,
    rules: NameRules,
    entries: Mutex<HashMap<String, Entry>>,
    answered: Condvar,
    lookups: AtomicU64,
}

#[derive(Debug, Clone)]
enum Entry {
    /// A thread is asking for it.
    Asked,
    Known {
        addresses: Arc<[IpAddr]>,
        until: Instant,
    },
}

/// What is known of a name without asking.
enum Known {
    Addresses(Arc<[IpAddr]>),
    /// Another thread asks.
    Soon,
    No,
}

impl Names {
    pub(super) fn new(lookup: Arc<dyn Lookup>, rules: NameRules) -> Self {
        Self {
            lookup,
            rules,
            entries: Mutex::default(),
            answered: Condvar::new(),
            lookups: AtomicU64::new(0),
        }
    }

    /// How many names were looked up so far.
    pub(super) fn lookups(&self) -> u64 {
        self.lookups.load(Ordering::Relaxed)
    }

    /// The addresses of `host`, none where there are none; `None` where that takes too long.
    fn addresses(&self, host: &str, timeout: Duration) -> Option<Arc<[IpAddr]>> {
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(Arc::from([address]));
        }
        let deadline = Instant::now() + timeout;
        let mut entries = self.lock();
        loop {
            match known(&entries, host) {
                Known::Addresses(addresses) => return Some(addresses),
                Known::No => break,
                Known::Soon => {
                    let left = deadline.checked_duration_since(Instant::now())?;
                    let waited = self.answered.wait_timeout(entries, left);
                    entries = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
        make_room(&mut entries);
        entries.insert(host.to_owned(), Entry::Asked);
        drop(entries);
        let found = self.ask(host, deadline);
        self.keep(host, found.clone().unwrap_or_else(|| Arc::from([])));
        found
    }

    /// Asks in a thread of its own, since the system's resolver cannot be told when to give up.
    fn ask(&self, host: &str, deadline: Instant) -> Option<Arc<[IpAddr]>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = mpsc::sync_channel(1);
        let (lookup, name) = (self.lookup.clone(), host.to_owned());
        // A receiver that gave up wants no answer.
        thread::spawn(move || sender.send(lookup.lookup(&name)).ok());
        let answer = receiver.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        match answer.ok()? {
            Ok(addresses) => Some(addresses.into()),
            Err(error) => {
                tracing::debug!(host, %error, "no address");
                Some(Arc::from([]))
            }
        }
    }

    fn keep(&self, host: &str, addresses: Arc<[IpAddr]>) {
        let kept = if addresses.is_empty() {
            self.rules.not_found_for
        } else {
            self.rules.found_for
        };
        let until = Instant::now() + kept;
        self.lock()
            .insert(host.to_owned(), Entry::Known { addresses, until });
        self.answered.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(entries: &HashMap<String, Entry>, host: &str) -> Known {
    match entries.get(host) {
        Some(Entry::Asked) => Known::Soon,
        Some(Entry::Known { addresses, until }) if Instant::now() < *until => {
            Known::Addresses(addresses.clone())
        }
        _ => Known::No,
    }
}

fn make_room(entries: &mut HashMap<String, Entry>) {
    if entries.len() >= MAX_NAMES {
        entries.retain(|_, entry| matches!(entry, Entry::Asked));
    }
}

impl Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names")
            .field("rules", &self.rules)
            .finish_non_exhaustive()
    }
}

/// The cache as the HTTP client asks it. What is checked here is what is connected to: a name
/// cannot turn into another address in between.
#[derive(Debug, Clone)]
pub(super) struct CachedResolver(pub(super) Arc<Names>);

impl Resolver for CachedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let names = &self.0;
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        let port = uri
            .port_u16()
            .unwrap_or(if uri.scheme_str() == Some("https") {
                443
            } else {
                80
            });
        let found = names
            .addresses(host, *timeout.after)
            .ok_or(ureq::Error::Timeout(timeout.reason))?;
        if found.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        let allowed = found
            .iter()
            .filter(|address| names.rules.allow_private || is_public(**address));
        let sockets = allowed.map(|address| SocketAddr::new(*address, port));
        let wanted: Vec<_> = sockets.take(MAX_ADDRESSES).collect();
        if wanted.is_empty() {
            return Err(ureq::Error::Other(Box::new(PrivateAddress)));
        }
        let mut resolved = self.empty();
        for address in config.ip_family().keep_wanted(wanted.into_iter()) {
            resolved.push(address);
        }
        if resolved.is_empty() {
            Err(ureq::Error::HostNotFound)
        } else {
            Ok(resolved)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Slow {
        takes: Duration,
        asked: AtomicU64,
    }

    impl Slow {
        fn new(takes: Duration) -> Arc<Self> {
            Arc::new(Self {
                takes,
                asked: AtomicU64::new(0),
            })
        }
    }

    impl Lookup for Slow {
        fn lookup(&self, host: &str) -> io::Result<Vec<IpAddr>> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            thread::sleep(self.takes);
            match host {
                "nowhere.test" => Err(io::Error::other("no such host")),
                _ => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
            }
        }
    }

    fn names(lookup: Arc<Slow>, kept: Duration) -> Names {
        let rules = NameRules {
            found_for: kept,
            not_found_for: kept,
            allow_private: true,
        };
        Names::new(lookup, rules)
    }

    #[test]
    fn threads_that_ask_together_cause_one_lookup() {
        let slow = Slow::new(SECOND / 20);
        let names = names(slow.clone(), SECOND * 60);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope
                    .spawn(|| assert_eq!(names.addresses("a.test", SECOND * 10).unwrap().len(), 1));
            }
        });
        assert_eq!(slow.asked.load(Ordering::SeqCst), 1);
        names.addresses("b.test", SECOND * 10).unwrap();
        assert_eq!(names.lookups(), 2);
    }

    #[test]
    fn a_name_that_does_not_exist_is_remembered_and_an_old_answer_is_not() {
        let slow = Slow::new(Duration::ZERO);
        let remembers = names(slow.clone(), SECOND * 60);
        for _ in 0..2 {
            assert!(
                remembers
                    .addresses("nowhere.test", SECOND * 10)
                    .unwrap()
                    .is_empty()
            );
        }
        assert_eq!(remembers.lookups(), 1);
        let forgets = names(slow, Duration::ZERO);
        for _ in 0..2 {
            forgets.addresses("a.test", SECOND * 10).unwrap();
        }
        assert_eq!(forgets.lookups(), 2);
    }

    #[test]
    fn an_answer_that_takes_too_long_is_given_up() {
        let names = names(Slow::new(SECOND * 2), SECOND * 60);
        assert!(names.addresses("a.test", SECOND / 50).is_none());
    }

    #[test]
    fn addresses_are_not_looked_up() {
        let names = names(Slow::new(Duration::ZERO), SECOND);
        assert_eq!(
            names.addresses("10.0.0.1", SECOND).unwrap()[0],
            IpAddr::from([10, 0, 0, 1])
        );
        let six = names.addresses("[::1]", SECOND).unwrap();
        assert!(six[0].is_loopback());
        assert_eq!(names.lookups(), 0);
    }
}
