//! What may be used: the words of headers and pages, and the lists of those who opted out.
//!
//! A site's robots.txt may lie anywhere in a crawl, so it is asked later, when all units are read.

use flamingo_crawl::{Directives, FetchConfig, OptOutList, Refusal};
use flamingo_page::Robots;
use url::Url;

use crate::error::Result;

/// Who asks, and what keeps content from being used.
#[derive(Debug, Default)]
pub(crate) struct Permission {
    agent: String,
    refusals: Vec<Refusal>,
    opt_out: OptOutList,
}

impl Permission {
    /// What the section `[fetch]` says.
    pub(crate) fn new(config: &FetchConfig) -> Result<Self> {
        Ok(Self {
            agent: config.product_token().to_owned(),
            refusals: config.refusals.clone(),
            opt_out: OptOutList::read(&config.opt_out)?,
        })
    }

    /// Why nothing from this URL may be used.
    pub(crate) fn url(&self, url: &str) -> Option<&'static str> {
        if self.opt_out.is_empty() {
            return None;
        }
        let url = Url::parse(url).ok()?;
        self.opt_out.covers(&url).then_some("opt_out")
    }

    /// What the headers of an answer refuse.
    pub(crate) fn header(&self, directives: &Directives) -> Refused {
        let refusals = directives.refusals(&self.agent);
        let refusals = refusals
            .iter()
            .filter(|refusal| self.refusals.contains(refusal));
        Refused::new(refusals.copied(), "header")
    }

    /// What the head of a page refuses.
    pub(crate) fn page(&self, robots: &Robots) -> Refused {
        let asks = |refusal: &Refusal| {
            robots.asks(&self.agent, refusal.name())
                || (*refusal == Refusal::NoIndex && robots.asks(&self.agent, "none"))
        };
        Refused::new(
            self.refusals
                .iter()
                .filter(|refusal| asks(refusal))
                .copied(),
            "meta",
        )
    }
}

/// What is refused by one source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Why the whole answer may not be used.
    pub(crate) content: Option<String>,
    /// Why pictures may not be used.
    pub(crate) pictures: Option<String>,
}

impl Refused {
    fn new(refusals: impl Iterator<Item = Refusal>, source: &str) -> Self {
        let mut refused = Self::default();
        for refusal in refusals {
            let reason = format!("{}_{source}", refusal.name());
            let place = match refusal {
                Refusal::NoImageAi => &mut refused.pictures,
                _ => &mut refused.content,
            };
            place.get_or_insert(reason);
        }
        refused
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn header(words: &str) -> Refused {
        let permission = Permission::new(&FetchConfig::default()).unwrap();
        permission.header(&Directives {
            robots: vec![words.to_owned()],
            tdm_reservation: None,
        })
    }

    #[test]
    fn a_page_without_permission_for_its_pictures_keeps_its_text() {
        let refused = header("noimageai");
        assert_eq!(refused.content, None);
        assert_eq!(refused.pictures.as_deref(), Some("noimageai_header"));
        assert_eq!(
            header("noai, noimageai").content.as_deref(),
            Some("noai_header")
        );
        assert_eq!(header("max-snippet: 3"), Refused::default());
    }

    #[test]
    fn only_refusals_that_the_configuration_names_count() {
        let config = FetchConfig {
            refusals: vec![Refusal::NoAi],
            ..FetchConfig::default()
        };
        let permission = Permission::new(&config).unwrap();
        let directives = Directives {
            robots: vec!["noindex".to_owned()],
            tdm_reservation: Some("1".to_owned()),
        };
        assert_eq!(permission.header(&directives), Refused::default());
    }
}
