//! The picture that leads an article, which many pages show between its heading and the element with its text.

use url::Url;

use super::blocks::Block;
use super::metadata::Head;
use super::survey::Survey;
use crate::{Dom, NodeId};

pub(super) fn with_lead<'s>(
    _dom: &Dom<'s>,
    _survey: &Survey,
    _root: NodeId,
    blocks: Vec<Block<'s>>,
    _head: &Head,
    _base: Option<&Url>,
) -> Vec<Block<'s>> {
    blocks
}
